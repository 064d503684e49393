"""A partner follows the running suite by its feeds, and whoever may know asks whose its pseudonyms are."""

from __future__ import annotations

import json
import re
import sqlite3
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kundval_contracts.client import Client
from kundval_contracts.envelope import Event
from kundval_contracts.errors import Forbidden, InvalidRequest, NotFound
from kundval_contracts.events import EVENTS
from tests.acceptance.builders import assignment, claim, exited, fact
from tests.suite import SERVICES, Suite, Town, client, suite

__all__ = ["client", "suite"]

D, EXIT, SETTLE, LATER = "2024-03-15", "2024-06-20", "2024-12-20", "2025-01-10"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "partners.md"
PERSON = {"name": "Testperson Tolvan", "email": "tolvan@person.example"}


@dataclass
class Followed:
    """A town as a partner has read it: copies by id of every service, from the first event on."""

    suite: Suite
    town: Town
    person: str
    tokens: dict[str, str]
    copies: dict[str, list[dict[str, Any]]]

    def resolve(self, *pseudonyms: str, partner: str = "register", **caller: Any) -> dict[str, Any]:
        with calling(self.suite, **caller) as client:
            return dict(
                client.call(
                    "assignment.resolve_pseudonyms",
                    tenant=self.town.name,
                    partner=partner,
                    pseudonyms=list(pseudonyms),
                )
            )

    def subjects(self, name: str, partner: str = "register") -> set[str]:
        return {one["subject"] for one in self.copies[partner] if Event.from_dict(one).name == name}


@contextmanager
def calling(suite: Suite, role: str = "CASE_WORKER", **claims: Any) -> Iterator[Client]:
    with suite.client(role, **claims) as client:
        yield client


@pytest.fixture(scope="module")
def followed(suite: Suite, tmp_path_factory: pytest.TempPathFactory) -> Followed:
    page = tmp_path_factory.mktemp("page") / "page.md"
    tokens = {}
    for name in ("register", "other"):
        done = suite.kundval("partner", "add", name, "--out", str(page))
        assert done.returncode == 0, done.stderr
        (tokens[name],) = re.findall(r"kvfeed_[A-Za-z0-9_-]{43}", page.read_text())
    with suite.client() as system:
        town = Town(system)
        town.mailboxes()
        town.add(assignment("AMI_2", D, fact("2024-04-01", "mapping_done"), exited(EXIT), claim(SETTLE)))
        person = system.call("assignment.register_person", tenant=town.name, **PERSON)["person"]
        system.call("assignment.link_person", tenant=town.name, assignment="A-1", person=person)
        town.day(LATER)
        town.run(LATER)
        town.settle()
        copies = {name: [one for service in SERVICES for one in read(suite, service, name, token, town.name)]
                  for name, token in tokens.items()}  # fmt: skip
        return Followed(suite, town, person, tokens, copies)


def read(suite: Suite, service: str, partner: str, token: str, tenant: str) -> Iterator[dict[str, Any]]:
    """What the feed of a service holds of a municipality, page after page."""
    after, more = 0, True
    while more:
        request = urllib.request.Request(
            f"http://127.0.0.1:{suite.ports[service]}/feeds/{service}/{partner}/events"
            f"?after={after}&limit=40&tenant={tenant}",
            headers={"Authorization": f"Bearer {token}"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            page = json.load(answer)
        yield from page["events"]
        assert page["next"] > after or not page["more"]
        after, more = page["next"], page["more"]


def test_a_partner_that_begins_at_the_first_event_gets_all_that_the_services_have_told(followed: Followed) -> None:
    events = [Event.from_dict(one) for one in followed.copies["register"]]
    told = {one.name for one in events}
    for name in ("assignment.tenant_opened", "assignment.exited", "scheduling.obligations_changed", "billing.posted"):
        assert name in told
    for one in events:
        EVENTS[one.name].schema.load(one.data)
        assert one.correlation_id is None and one.traceparent is None
    assert len({one.id for one in events}) == len(events) > 30


def test_no_id_of_the_case_or_the_person_is_in_what_a_partner_gets(followed: Followed) -> None:
    text = json.dumps(followed.copies)
    for secret in ('"A-1"', followed.person, "Testperson", "tolvan"):
        assert secret not in text
    assert '"alfa"' in text and followed.town.name in text


def test_a_case_is_one_subject_through_all_services_and_another_for_each_partner(followed: Followed) -> None:
    (subject,) = followed.subjects("assignment.exited")
    for name in ("assignment.registered", "scheduling.obligations_changed", "billing.posted"):
        assert followed.subjects(name) == {subject}
    assert followed.subjects("assignment.exited", "other") != {subject}


def test_whoever_may_know_is_told_whose_a_pseudonym_is_and_that_is_entered(followed: Followed) -> None:
    (subject,) = followed.subjects("assignment.exited")
    (others,) = followed.subjects("assignment.exited", "other")
    fact_id = next(one["data"]["fact_id"] for one in followed.copies["register"] if "fact_id" in one["data"])
    answer = followed.resolve(subject, others, fact_id, subject, "A-1", subject="cw-17", purpose="a question of theirs")
    assert answer == {
        "resolved": [{"pseudonym": subject, "kind": "ASSIGNMENT", "id": "A-1"}],
        "unresolved": [others, fact_id, "A-1"],
    }
    with calling(followed.suite, "SYSTEM") as system:
        rows = system.call("assignment.access_log", tenant=followed.town.name, assignment="A-1")["entries"]
    assert [(row["method"], row["purpose"], row["subjects"]) for row in rows if row["actor"] == "cw-17"] == [
        ("assignment.resolve_pseudonyms", "a question of theirs", ["assignment:A-1"])
    ]


def test_a_system_of_a_partner_asks_for_its_own_only(followed: Followed) -> None:
    (subject,) = followed.subjects("assignment.exited")
    (others,) = followed.subjects("assignment.exited", "other")
    theirs = {"role": "SYSTEM", "organisation": "register", "tenant": followed.town.name}
    assert followed.resolve(subject, **theirs)["resolved"][0]["id"] == "A-1"
    with pytest.raises(Forbidden) as refused:
        followed.resolve(others, partner="other", **theirs)
    assert refused.value.code == "OTHER_PARTNER"
    assert followed.resolve(others, partner="other", role="SYSTEM")["resolved"][0]["id"] == "A-1"


def test_without_a_purpose_a_role_or_a_partner_nobody_is_told_anything(followed: Followed) -> None:
    (subject,) = followed.subjects("assignment.exited")
    for code, caller in (
        ("PURPOSE_MISSING", {"purpose": None}),
        ("ROLE_NOT_ALLOWED", {"role": "PROVIDER", "organisation": "alfa", "tenant": followed.town.name}),
        ("ROLE_NOT_ALLOWED", {"role": "CONTROLLER"}),
        ("ROLE_NOT_ALLOWED", {"role": "OPERATIONS"}),
        ("OTHER_TENANT", {"tenant": "elsewhere"}),
    ):
        with pytest.raises(Forbidden) as refused:
            followed.resolve(subject, **caller)
        assert refused.value.code == code
    with pytest.raises(NotFound):
        followed.resolve(subject, partner="nobody")
    with pytest.raises(InvalidRequest):
        followed.resolve()


def test_the_program_of_the_page_for_partners_follows_all_services(
    followed: Followed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    opened = urllib.request.urlopen

    def proxied(request: urllib.request.Request, timeout: float) -> Any:
        """What a proxy does: the path says which service is meant."""
        service = request.full_url.split("/feeds/")[1].partition("/")[0]
        request.full_url = request.full_url.replace("proxy.invalid", f"127.0.0.1:{followed.suite.ports[service]}")
        return opened(request, timeout=timeout)

    monkeypatch.setattr(urllib.request, "urlopen", proxied)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FEEDS", "http://proxy.invalid")
    monkeypatch.setenv("PARTNER", "register")
    monkeypatch.setenv("FEED_TOKEN", followed.tokens["register"])
    for _ in range(2):  # it can be started again
        exec(compile(program, PAGE.name, "exec"), {})
    with closing(sqlite3.connect("partner.sqlite")) as db:
        held = {row[0] for row in db.execute("SELECT id FROM held")}
        services = {row[0] for row in db.execute("SELECT service FROM place WHERE position > 0")}
    assert held >= {one["id"] for one in followed.copies["register"]}
    assert services == set(SERVICES)


def test_a_pseudonym_of_before_is_resolved_until_its_last_day_and_a_partner_that_ended_has_none(
    followed: Followed,
) -> None:
    kundval, out = followed.suite.kundval, str(followed.suite.folder / "page.md")
    (subject,) = followed.subjects("assignment.exited", "other")
    for last_day, known in (("2099-01-01", True), ("2099-01-01", True)):
        done = kundval("partner", "rotate", "other", "--kind", "pseudonym", "--keep-until", last_day, "--out", out)
        assert done.returncode == 0, done.stderr
        assert bool(followed.resolve(subject, partner="other")["resolved"]) is known
    (copy,) = [
        one
        for one in read(followed.suite, "assignment", "other", followed.tokens["other"], followed.town.name)
        if one["type"].endswith(".exited.v1")
    ]
    assert copy["subject"].startswith("p3-") and subject.startswith("p1-")
    assert followed.resolve(copy["subject"], partner="other")["resolved"][0]["id"] == "A-1"
    assert kundval("partner", "remove", "other", "--yes").returncode == 0
    with pytest.raises(NotFound):
        followed.resolve(subject, partner="other")


def test_nothing_of_a_token_or_a_pseudonym_is_in_a_log_or_a_metric(followed: Followed) -> None:
    (subject,) = followed.subjects("assignment.exited")
    for service in SERVICES:
        said = followed.suite.log(service) + "\n".join(followed.suite.metrics(service))
        for secret in (*followed.tokens.values(), subject):
            assert secret not in said
