"""Providers as the service runs: facts by RPC, who may state what, authorisation and places as clients meet them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from kundval_contracts.client import Client
from kundval_contracts.errors import Conflict, FactRefused, Forbidden, InvalidRequest, NotFound
from kundval_contracts.rpc import METHODS, CallerRole, Reach
from tests.acceptance.builders import assignment, bare, caseload, exited, fact, manual
from tests.assignment.numbers import PERSONAL
from tests.suite import Suite, Town, client, suite, town

__all__ = ["client", "suite", "town"]

D = "2024-03-15"
AMI_TERMS = ("SECTOR_CONTACTS", "EMPLOYER_CONTACTS", "EMPLOYER_METHOD")
AMI = ["AMI_1", "AMI_2"]


@pytest.fixture
def manager(suite: Suite) -> Iterator[Client]:
    """The person who answers for providers."""
    with suite.client("TEAM_MANAGER", subject="manager-1") as made:
        yield made


@pytest.fixture
def gamma(suite: Suite, town: Town) -> Iterator[Client]:
    """An organisation that nobody has heard of in this town."""
    with suite.client("PROVIDER", subject="gamma-boss", organisation="gamma", tenant=town.name) as made:
        yield made


@pytest.fixture
def alfa(suite: Suite, town: Town) -> Iterator[Client]:
    with suite.client("PROVIDER", subject="alfa-boss", organisation="alfa", tenant=town.name) as made:
        yield made


def say(town: Town, provider: str, *facts: dict[str, Any], by: Client | None = None) -> int:
    """State facts about a provider; each gets an id from what it says."""
    rows = [{"id": f"{row['fact']}:{row['on']}:{row.get('term', '')}", **row} for row in facts]
    answer = (by or town.client).call(
        "assignment.record_provider_facts", tenant=town.name, provider=provider, facts=rows
    )
    return int(answer["recorded"])


def met(on: str, *but: str) -> list[dict[str, Any]]:
    return [fact(on, "term_met", term=term, evidence=f"doc:{term}") for term in AMI_TERMS if term not in but]


def apply_and_authorise(town: Town, provider: str = "gamma", on: str = "2024-02-01") -> None:
    applied = fact("2024-01-05", "applied", programmes=AMI, ownership="NON_PROFIT", name="Gamma", contact="Ms G")
    say(town, provider, applied, *met("2024-01-10"), fact(on, "authorised", programmes=AMI, by="manager-1"))


def deauthorise(town: Town, provider: str, on: str) -> None:
    say(
        town,
        provider,
        fact(on, "term_unmet", term="EMPLOYER_METHOD", reason="said Ms G"),
        fact(on, "deauthorised", programmes=AMI, ground="TERMS_NOT_MET", by="manager-1"),
    )


def shown(town: Town, provider: str, by: Client | None = None) -> dict[str, Any]:
    return dict((by or town.client).call("assignment.provider", tenant=town.name, provider=provider))


def states(town: Town, provider: str) -> dict[str, str]:
    return {row["programme"]: row["state"] for row in shown(town, provider)["standings"]}


def events(town: Town, suite: Suite, *names: str) -> list[tuple[str, dict[str, Any]]]:
    with psycopg.connect(suite.databases["assignment"]) as connection:
        rows = connection.execute(
            "SELECT name, data::text FROM event WHERE tenant = %s ORDER BY sequence", (town.name,)
        ).fetchall()
    found = [(name.removeprefix("assignment."), json.loads(data)) for name, data in rows]
    return [row for row in found if row[0] in names]


def chosen(on: str, provider: str) -> list[dict[str, Any]]:
    return [fact(D, "decided"), fact(D, "results_shown"), fact(on, "provider_chosen", provider=provider)]


# --- from application to authorisation -----------------------------------------------------------------


@pytest.mark.rule("NACKA-1")
def test_an_unknown_organisation_applies_meets_the_terms_is_authorised_and_can_be_chosen(
    town: Town, suite: Suite, gamma: Client, manager: Client
) -> None:
    town.register(bare("AMI_2"))
    say(town, "gamma", fact("2024-01-05", "applied", programmes=AMI, ownership="NON_PROFIT"), by=gamma)
    assert states(town, "gamma") == {"AMI_1": "APPLIED", "AMI_2": "APPLIED"}
    with pytest.raises(FactRefused) as refused:
        town.state("A-1", *chosen("2024-03-16", "gamma"))
    assert refused.value.code == "PROVIDER_NOT_AUTHORISED"

    say(town, "gamma", *met("2024-01-10", "EMPLOYER_METHOD"), by=manager)
    decision = fact("2024-02-01", "authorised", programmes=AMI, by="manager-1")
    with pytest.raises(FactRefused) as refused:
        say(town, "gamma", decision, by=manager)
    assert refused.value.code == "TERMS_NOT_MET"
    assert refused.value.rules == ("SM-V2", "AMI-6.3-a")

    offered = fact("2024-01-11", "term_evidence_offered", term="EMPLOYER_METHOD", evidence="doc:method")
    say(town, "gamma", offered, by=gamma)
    [row] = [one for one in shown(town, "gamma")["checklist"] if one["term"] == "EMPLOYER_METHOD"]
    assert (row["state"], row["offered"]) == ("MISSING", "doc:method")
    say(town, "gamma", fact("2024-01-12", "term_met", term="EMPLOYER_METHOD", evidence="doc:method"), by=manager)
    say(town, "gamma", decision, by=manager)
    assert states(town, "gamma") == {"AMI_1": "AUTHORISED", "AMI_2": "AUTHORISED"}
    town.state("A-1", *chosen("2024-03-16", "gamma"))
    assert town.states("A-1")["state"] == "OFFERED"

    told = events(town, suite, "provider_applied", "provider_authorised")
    assert told == [
        ("provider_applied", {"provider": "gamma", "programmes": AMI, "on": "2024-01-05", "ownership": "NON_PROFIT"}),
        ("provider_authorised", {"provider": "gamma", "programmes": AMI, "on": "2024-02-01"}),
    ]
    # the other services hold the new provider too
    *_, (_, opened) = events(town, suite, "tenant_opened")
    assert {"id": "gamma", "ownership": "NON_PROFIT", "authorised": dict.fromkeys(AMI, "2024-02-01")} in opened[
        "providers"
    ]
    town.settle()


def test_a_choice_that_was_refused_takes_effect_when_the_authorisation_becomes_known(town: Town) -> None:
    say(town, "gamma", fact("2024-01-05", "applied", programmes=AMI, ownership="PRIVATE"), *met("2024-01-10"))
    town.register(bare("AMI_2"))
    answer = town.state("A-1", *chosen("2024-03-16", "gamma"), keep_refused=True)
    assert [row["code"] for row in answer["refused"]] == ["PROVIDER_NOT_AUTHORISED"]
    say(town, "gamma", fact("2024-03-16", "authorised", programmes=AMI, by="manager-1"))
    assert town.states("A-1")["state"] == "OFFERED"
    assert town.ask("assignment.rejections") == []


def test_what_is_stated_again_is_no_news_and_with_other_contents_a_conflict(town: Town, suite: Suite) -> None:
    apply_and_authorise(town)
    before = len(events(town, suite, "provider_authorised", "tenant_opened", "provider_applied"))
    assert say(town, "gamma", *met("2024-01-10")) == 0
    assert len(events(town, suite, "provider_authorised", "tenant_opened", "provider_applied")) == before
    with pytest.raises(Conflict, match="other contents"):
        say(town, "gamma", {**met("2024-01-10")[0], "evidence": "doc:other"})


def test_a_refused_fact_about_a_provider_leaves_nothing_of_its_batch(town: Town, suite: Suite) -> None:
    before = events(town, suite, "provider_applied", "tenant_opened")
    with pytest.raises(FactRefused) as refused:
        say(
            town,
            "gamma",
            fact("2024-01-05", "applied", programmes=AMI, ownership="PRIVATE"),
            fact("2024-01-06", "authorised", programmes=AMI, by="manager-1"),
        )
    assert refused.value.code == "TERMS_NOT_MET"
    with pytest.raises(NotFound):
        shown(town, "gamma")
    assert events(town, suite, "provider_applied", "tenant_opened") == before


def test_a_provider_that_nobody_knows_is_not_found(town: Town, manager: Client) -> None:
    for attempt in (
        lambda: say(town, "gamma", fact("2024-01-05", "supervised", channel="ON_SITE"), by=manager),
        lambda: shown(town, "gamma"),
        lambda: manager.call("assignment.withdraw_provider_fact", tenant=town.name, provider="gamma", fact="x"),
    ):
        with pytest.raises(NotFound, match="provider gamma"):
            attempt()


def test_opening_the_tenant_again_keeps_what_was_stated_about_its_providers(town: Town) -> None:
    apply_and_authorise(town)
    say(town, "alfa", fact("2024-02-01", "capacity_declared", places=3))
    town.open()
    assert states(town, "gamma") == {"AMI_1": "AUTHORISED", "AMI_2": "AUTHORISED"}
    assert shown(town, "alfa")["capacity"] == 3
    own = {"code": "FIRE_SAFETY", "families": ["AMI"], "title": "Fire safety", "evidence": "DOCUMENT"}
    town.open(settings={"AMI1_MONTHLY_FEE": 1, "AMI2_MONTHLY_FEE": 2, "authorisation.local_terms": [own]})
    # a new term of the municipality opens a review of who had to show its terms here, and puts nobody out
    assert set(states(town, "gamma").values()) == {"UNDER_REVIEW"}
    assert {states(town, "alfa")[programme] for programme in AMI} == {"AUTHORISED"}


# --- who may state and see what ------------------------------------------------------------------------

MUNICIPAL_FACTS = [
    fact(D, "term_met", term="EMPLOYER_METHOD", evidence="d"),
    fact(D, "term_unmet", term="EMPLOYER_METHOD"),
    fact(D, "authorised", programmes=AMI, by="alfa-boss"),
    fact(D, "deauthorised", programmes=AMI, ground="NO_CLIENTS", by="alfa-boss"),
    fact(D, "supervised", channel="ON_SITE"),
    fact(D, "finding", severity="MINOR"),
    fact(D, "finding_closed", finding="f"),
    fact(D, "penalty_recorded", case="c", ground="g", amount="1.00"),
]


@pytest.mark.rule("NACKA-2")
@pytest.mark.parametrize("what", MUNICIPAL_FACTS, ids=lambda row: row["fact"])
def test_a_provider_does_not_judge_itself(town: Town, alfa: Client, what: dict[str, Any]) -> None:
    with pytest.raises(Forbidden) as refused:
        say(town, "alfa", what, by=alfa)
    assert refused.value.code == "FACT_NOT_ALLOWED"
    assert shown(town, "alfa")["facts"] == []


def test_a_provider_states_and_sees_what_is_its_own_and_nothing_of_another(
    town: Town, alfa: Client, manager: Client
) -> None:
    say(town, "alfa", fact(D, "staff_listed", staff="s-1", credits=120), by=alfa)
    say(town, "alfa", fact(D, "subcontractor_declared", organisation="o-1", part="interpreting"), by=alfa)
    say(town, "alfa", fact(D, "capacity_declared", places=12), by=alfa)
    say(town, "alfa", fact(D, "supervised", channel="CLIENT_DIALOGUE", text="clients are unhappy"), by=manager)
    say(town, "alfa", fact(D, "finding", severity="MINOR", measure="hire", due="2024-05-01"), by=manager)
    own = shown(town, "alfa", by=alfa)
    assert (own["capacity"], own["subcontractors"], [row["staff"] for row in own["staff"]]) == (12, ["o-1"], ["s-1"])
    assert [row["measure"] for row in own["findings"]] == ["hire"]
    assert own["supervision"] == [{"on": D, "channel": "CLIENT_DIALOGUE", "text": None}]
    assert shown(town, "alfa", by=manager)["supervision"][0]["text"] == "clients are unhappy"
    [row] = alfa.call("assignment.providers", tenant=town.name)["providers"]
    assert row["provider"] == "alfa"
    assert len(town.client.call("assignment.providers", tenant=town.name)["providers"]) == 2
    for attempt in (
        lambda: shown(town, "beta", by=alfa),
        lambda: alfa.call("assignment.providers", tenant=town.name, provider="beta"),
        lambda: say(town, "beta", fact(D, "capacity_declared", places=0), by=alfa),
        lambda: alfa.call("assignment.provider_proposals", tenant=town.name),
        lambda: alfa.call("assignment.clients_to_move", tenant=town.name),
        lambda: alfa.call("assignment.withdraw_provider_fact", tenant=town.name, provider="alfa", fact="x"),
    ):
        with pytest.raises(Forbidden):
            attempt()


def test_a_case_worker_sees_providers_and_states_nothing_about_them(town: Town, suite: Suite, manager: Client) -> None:
    say(town, "alfa", fact(D, "supervised", channel="ON_SITE", text="tidy"), by=manager)
    with suite.client("CASE_WORKER") as worker:
        assert shown(town, "alfa", by=worker)["supervision"] == [{"on": D, "channel": "ON_SITE", "text": None}]
        with pytest.raises(Forbidden):
            say(town, "alfa", fact(D, "capacity_declared", places=0), by=worker)


@pytest.mark.parametrize("name", sorted(name for name, one in METHODS.items() if "provider" in name or "move" in name))
def test_every_method_about_providers_says_how_far_a_provider_reaches(name: str) -> None:
    method = METHODS[name]
    if CallerRole.PROVIDER in method.roles:
        assert method.policy.reach is Reach.ITSELF
    else:
        assert method.policy.reach is Reach.NOTHING


@pytest.mark.rule("NACKA-2")
def test_a_decision_is_made_in_ones_own_name_and_not_by_who_acted_for_the_provider(
    town: Town, suite: Suite, manager: Client
) -> None:
    with suite.client("PROVIDER", subject="manager-2", organisation="gamma", tenant=town.name) as hat:
        say(town, "gamma", fact("2024-01-05", "applied", programmes=AMI, ownership="MUNICIPAL"), by=hat)
    say(town, "gamma", *met("2024-01-10"), by=manager)
    with pytest.raises(Forbidden) as forbidden:
        say(town, "gamma", fact("2024-02-01", "authorised", programmes=AMI, by="manager-2"), by=manager)
    assert forbidden.value.code == "OTHER_PERSON"
    with suite.client("TEAM_MANAGER", subject="manager-2") as same, pytest.raises(FactRefused) as refused:
        say(town, "gamma", fact("2024-02-01", "authorised", programmes=AMI, by="manager-2"), by=same)
    assert (refused.value.code, refused.value.rules) == ("ACTED_FOR_PROVIDER", ("NACKA-2",))
    say(town, "gamma", fact("2024-02-01", "authorised", programmes=AMI, by="manager-1"), by=manager)
    assert set(states(town, "gamma").values()) == {"AUTHORISED"}


# --- de-authorisation ------------------------------------------------------------------------------------


@pytest.mark.rule("NACKA-16")
def test_after_the_decision_the_provider_cannot_be_chosen_and_its_clients_must_choose_anew(
    town: Town, suite: Suite
) -> None:
    apply_and_authorise(town)
    town.add(assignment("AMI_2", D, name="A-0"))
    for name in ("A-1", "A-2", "A-3"):
        town.register(bare("AMI_2", name=name))
        town.state(name, *chosen(D, "gamma"))
    for name in ("A-1", "A-3"):
        town.state(name, fact(D, "accepted", provider="gamma"), fact("2024-03-20", "started"))
    town.state("A-3", exited("2024-05-01"))
    town.day("2024-06-01")
    deauthorise(town, "gamma", "2024-06-01")

    assert set(states(town, "gamma").values()) == {"DEAUTHORISED"}
    assert town.states("A-1")["state"] == "SWITCHING"
    to_move = town.ask("assignment.clients_to_move")
    assert [(row["assignment"], row["provider"], row["since"]) for row in to_move] == [
        ("A-1", "gamma", "2024-06-01"),
        ("A-2", "gamma", "2024-06-01"),
    ]
    told = events(town, suite, "provider_deauthorised", "choice_required")
    assert told == [
        (
            "provider_deauthorised",
            {"provider": "gamma", "programmes": AMI, "on": "2024-06-01", "ground": "TERMS_NOT_MET"},
        ),
        ("choice_required", {"assignment": "A-1", "provider": "gamma", "on": "2024-06-01"}),
        ("choice_required", {"assignment": "A-2", "provider": "gamma", "on": "2024-06-01"}),
    ]
    *_, (_, opened) = events(town, suite, "tenant_opened")
    [row] = [one for one in opened["providers"] if one["id"] == "gamma"]
    assert row["deauthorised"] == dict.fromkeys(AMI, "2024-06-01")

    town.register(bare("AMI_2", name="A-4"))
    with pytest.raises(FactRefused) as refused:
        town.state("A-4", *chosen("2024-06-01", "gamma"))
    assert refused.value.code == "PROVIDER_NOT_AUTHORISED"
    # what was chosen while it could be chosen stays
    assert all(row["in_effect"] for row in town.states("A-3")["facts"])
    # one after the other they choose anew
    town.state("A-1", fact("2024-06-02", "provider_switch", provider="alfa", approved=True))
    assert town.states("A-1")["state"] == "ACTIVE"
    assert [row["assignment"] for row in town.ask("assignment.clients_to_move")] == ["A-2"]
    town.settle()


@pytest.mark.rule("NACKA-16")
def test_a_choice_made_after_the_day_of_a_decision_that_becomes_known_later_falls(town: Town) -> None:
    apply_and_authorise(town)
    town.register(bare("AMI_2"), bare("AMI_2", name="A-2"))
    town.state("A-1", *chosen("2024-05-31", "gamma"))
    town.state("A-2", *chosen("2024-06-01", "gamma"))
    deauthorise(town, "gamma", "2024-06-01")
    assert town.states("A-1")["state"] == "OFFERED"
    assert town.states("A-2")["state"] == "AWAITING_CHOICE"
    assert [row["code"] for row in town.ask("assignment.rejections")] == ["PROVIDER_NOT_AUTHORISED"]


@pytest.mark.rule("NACKA-17")
def test_a_provider_that_nobody_chooses_is_proposed_with_the_clients_it_still_has(town: Town, manager: Client) -> None:
    town.add(assignment("AMI_2", D, name="A-1"))
    town.day("2025-03-15")
    assert manager.call("assignment.provider_proposals", tenant=town.name)["proposals"] == [
        {
            "provider": "beta",
            "ground": "NO_CLIENTS",
            "programmes": list(caseload()["providers"][0]["authorised"]),
            "terms": [],
            "rules": ["NACKA-17"],
            "last_choice": None,
            "active_clients": 0,
        }
    ]
    decision = fact("2025-03-15", "deauthorised", programmes=["AMI_2"], ground="NO_CLIENTS", by="manager-1")
    with pytest.raises(FactRefused) as refused:
        say(town, "alfa", decision, by=manager)
    assert (refused.value.code, refused.value.rules) == ("HAS_CLIENTS", ("SM-V4", "NACKA-17"))
    town.day("2025-03-16")
    [mine] = [
        row
        for row in manager.call("assignment.provider_proposals", tenant=town.name, provider="alfa")["proposals"]
        if row["ground"] == "NO_CLIENTS"
    ]
    assert mine["last_choice"] == D
    say(town, "alfa", {**decision, "on": "2025-03-16"}, by=manager)
    assert states(town, "alfa")["AMI_2"] == "DEAUTHORISED"
    assert states(town, "alfa")["AMI_1"] == "AUTHORISED"


@pytest.mark.rule("NACKA-18")
def test_evidence_expires_as_the_days_come_and_opens_a_review(town: Town, suite: Suite) -> None:
    applied = fact("2024-01-05", "applied", programmes=AMI, ownership="PRIVATE")
    method = fact("2024-01-10", "term_met", term="EMPLOYER_METHOD", evidence="d", valid_until="2024-06-30")
    decision = fact("2024-02-01", "authorised", programmes=AMI, by="manager-1")
    town.day("2024-02-01")
    say(town, "gamma", applied, *met("2024-01-10", "EMPLOYER_METHOD"), method, decision)
    town.day("2024-06-30")
    assert events(town, suite, "provider_review_opened") == []
    assert set(states(town, "gamma").values()) == {"AUTHORISED"}
    town.day("2024-07-01")
    opened = {"provider": "gamma", "programmes": AMI, "on": "2024-07-01", "causes": ["TERM_EXPIRED"]}
    assert events(town, suite, "provider_review_opened") == [("provider_review_opened", opened)]
    [row] = [one for one in shown(town, "gamma")["checklist"] if one["term"] == "EMPLOYER_METHOD"]
    assert (row["state"], row["valid_until"]) == ("EXPIRED", "2024-06-30")
    # it can still be chosen
    town.register(bare("AMI_2"))
    town.state("A-1", *chosen("2024-07-01", "gamma"))
    say(town, "gamma", fact("2024-07-01", "term_met", term="EMPLOYER_METHOD", evidence="d2"))
    assert set(states(town, "gamma").values()) == {"AUTHORISED"}
    closed = {"provider": "gamma", "programmes": AMI, "on": "2024-07-01"}
    assert events(town, suite, "provider_review_closed") == [("provider_review_closed", closed)]


@pytest.mark.rule("AF-SOM-27")
def test_clients_choose_anew_on_the_day_on_which_a_notice_ends_the_authorisation(town: Town, suite: Suite) -> None:
    apply_and_authorise(town)
    town.register(bare("AMI_2"))
    town.state("A-1", *chosen(D, "gamma"), fact(D, "accepted", provider="gamma"), fact(D, "started"))
    town.day("2024-04-01")
    say(town, "gamma", fact("2024-04-01", "notice_given", programmes=AMI, by_whom="PROVIDER", ends_on="2024-05-01"))
    town.day("2024-04-30")
    assert town.states("A-1")["state"] == "ACTIVE"
    assert town.ask("assignment.clients_to_move") == []
    assert events(town, suite, "choice_required") == []
    town.day("2024-05-01")
    assert town.states("A-1")["state"] == "SWITCHING"
    assert [row["assignment"] for row in town.ask("assignment.clients_to_move")] == ["A-1"]
    assert len(events(town, suite, "choice_required")) == 1
    assert [row["ground"] for _, row in events(town, suite, "provider_deauthorised")] == ["NOTICE"]


def test_a_fact_about_a_provider_can_be_taken_back_unless_a_decision_rests_on_it(town: Town, manager: Client) -> None:
    apply_and_authorise(town)
    town.register(bare("AMI_2"))
    town.state("A-1", *chosen(D, "gamma"))

    def withdraw(name: str) -> bool:
        fields = {"tenant": town.name, "provider": "gamma", "fact": name}
        return bool(manager.call("assignment.withdraw_provider_fact", **fields)["withdrawn"])

    with pytest.raises(Conflict, match="rests on"):
        withdraw("applied:2024-01-05:")
    assert withdraw("term_met:2024-01-10:EMPLOYER_METHOD") is True
    assert withdraw("term_met:2024-01-10:EMPLOYER_METHOD") is False
    assert set(states(town, "gamma").values()) == {"UNDER_REVIEW"}
    assert town.states("A-1")["state"] == "OFFERED"
    with pytest.raises(Conflict, match="another id"):
        say(town, "gamma", *met("2024-01-10", "SECTOR_CONTACTS", "EMPLOYER_CONTACTS"))
    assert withdraw("authorised:2024-02-01:") is True
    assert set(states(town, "gamma").values()) == {"APPLIED"}
    assert town.states("A-1")["state"] == "AWAITING_CHOICE"


# --- places ------------------------------------------------------------------------------------------------


def places(town: Town, provider: str) -> tuple[int, int | None]:
    row = shown(town, provider)
    return row["clients"], row["places_left"]


@pytest.mark.rule("NACKA-7", "AF-SOM-23")
def test_nobody_is_sent_to_a_provider_without_a_place_left(town: Town) -> None:
    assert places(town, "alfa") == (0, None)
    say(town, "alfa", fact(D, "capacity_declared", places=2))
    for name in ("A-1", "A-2", "A-3"):
        town.register(bare("AMI_2", name=name))
    town.state("A-1", *chosen(D, "alfa"))
    assert places(town, "alfa") == (1, 1)
    town.state("A-2", *chosen(D, "alfa"))
    rows = town.rows("A-3", chosen(D, "alfa"))
    with pytest.raises(FactRefused) as refused:
        town.send(rows)
    assert (refused.value.code, refused.value.rules) == ("NO_CAPACITY", ("SM-A8", "NACKA-7"))
    assert town.states("A-3")["facts"] == []
    # what is stated again takes no second place
    town.state("A-2", fact(D, "accepted", provider="alfa"))
    assert places(town, "alfa") == (2, 0)
    # one offer is declined: there is a place again
    town.state("A-1", fact(D, "declined", provider="alfa"))
    assert places(town, "alfa") == (1, 1)
    town.send(rows)
    assert places(town, "alfa") == (2, 0)


def test_a_place_is_free_when_a_client_has_left(town: Town) -> None:
    say(town, "alfa", fact(D, "capacity_declared", places=1))
    town.add(assignment("AMI_2", D))
    town.register(bare("AMI_2", name="A-2"))
    rows = town.rows("A-2", chosen("2024-05-02", "alfa"))
    with pytest.raises(FactRefused, match="NO_CAPACITY"):
        town.send(rows)
    town.state("A-1", exited("2024-05-01"))
    town.send(rows)
    assert places(town, "alfa") == (1, 0)
    # whoever comes back to the provider it had is not turned away (AMI-10.1-d)
    town.state("A-1", fact("2024-06-01", "broke_off"))
    town.state("A-1", fact("2024-06-02", "resumed", provider="alfa"))
    assert places(town, "alfa") == (2, 0)


def test_a_switch_takes_a_place_at_the_new_provider_when_it_is_approved(town: Town) -> None:
    say(town, "beta", fact(D, "capacity_declared", places=1))
    town.add(assignment("AMI_2", D, name="A-1"), assignment("AMI_2", D, name="A-2"))
    town.state("A-1", fact("2024-04-01", "provider_switch", provider="beta", approved=True))
    assert (places(town, "alfa"), places(town, "beta")) == ((1, None), (1, 0))
    town.state("A-2", fact("2024-04-01", "provider_switch", provider="beta", approved=False))
    with pytest.raises(FactRefused, match="NO_CAPACITY"):
        town.state("A-2", manual("2024-04-02", "SWITCH"))
    with pytest.raises(FactRefused, match="NO_CAPACITY"):
        town.state("A-2", fact("2024-04-03", "provider_switch", provider="beta", approved=True))
    assert places(town, "beta") == (1, 0)


def test_facts_that_are_fed_in_bulk_and_judged_anew_are_not_turned_away(town: Town) -> None:
    say(town, "alfa", fact(D, "capacity_declared", places=1))
    for name in ("A-1", "A-2"):
        town.register(bare("AMI_2", name=name))
        assert town.state(name, *chosen(D, "alfa"), keep_refused=True)["refused"] == []
    say(town, "alfa", {**fact("2024-03-16", "capacity_declared", places=0)})
    town.open()
    assert [town.states(name)["state"] for name in ("A-1", "A-2")] == ["OFFERED", "OFFERED"]
    assert places(town, "alfa") == (2, 0)


@pytest.mark.rule("AF-SOM-23")
def test_of_many_who_choose_the_last_place_at_once_one_gets_it(town: Town, suite: Suite) -> None:
    say(town, "alfa", fact(D, "capacity_declared", places=1))
    names = [f"A-{n}" for n in range(6)]
    town.register(*(bare("AMI_2", name=name) for name in names))
    rows = {name: town.rows(name, chosen(D, "alfa")) for name in names}

    def choose(name: str) -> str:
        with suite.client() as caller:
            try:
                town.send(rows[name], by=caller)
            except FactRefused as refused:
                return refused.code
        return "GOT_IT"

    with ThreadPoolExecutor(len(names)) as pool:
        outcomes = sorted(pool.map(choose, names))
    assert outcomes == ["GOT_IT", *["NO_CAPACITY"] * 5]
    assert places(town, "alfa") == (1, 0)


def test_a_choice_and_the_end_of_the_authorisation_at_once_leave_nobody_behind(town: Town, suite: Suite) -> None:
    names = [f"A-{n}" for n in range(6)]
    town.register(*(bare("AMI_2", name=name) for name in names))
    rows = {name: town.rows(name, chosen("2024-06-01", "alfa")) for name in names}

    def choose(name: str) -> str:
        with suite.client() as caller:
            try:
                town.send(rows[name], by=caller)
            except FactRefused as refused:
                return refused.code
        return "GOT_IT"

    with ThreadPoolExecutor(len(names) + 1) as pool:
        half = [pool.submit(choose, name) for name in names[:3]]
        end = pool.submit(deauthorise, town, "alfa", "2024-06-01")
        half += [pool.submit(choose, name) for name in names[3:]]
        end.result()
        outcomes = {name: one.result() for name, one in zip(names, half, strict=True)}
    assert set(outcomes.values()) <= {"GOT_IT", "PROVIDER_NOT_AUTHORISED"}
    # whoever was there first has lost the choice again; none is left in effect
    for name in names:
        in_effect = [row["fact"] for row in town.states(name)["facts"] if row["in_effect"]]
        assert "provider_chosen" not in in_effect, name


@pytest.mark.rule("AF-SOM-29")
def test_too_few_employees_for_the_clients_are_a_warning_and_block_nothing(town: Town) -> None:
    providers = [{"id": "alfa", "authorised": {"SOM_1": "2024-01-01"}}]
    fees = {"AMI1_MONTHLY_FEE": 1, "AMI2_MONTHLY_FEE": 2}
    town.open(municipality="trelleborg", providers=providers, settings={**fees, "som.max_per_employee": 1})
    say(town, "alfa", fact(D, "staff_listed", staff="s-1"))
    for name, warning in (("A-1", False), ("A-2", True)):
        town.register(bare("SOM_1", name=name))
        town.state(name, *chosen(D, "alfa"))
        clients = int(name[-1])
        ratio = {"clients": clients, "employees": 1, "needed": clients, "warning": warning}
        assert shown(town, "alfa")["staff_ratio"] == ratio


# --- bad requests and privacy ---------------------------------------------------------------------------


def test_every_fault_of_the_facts_about_a_provider_is_named_by_path_and_nothing_is_stored(town: Town) -> None:
    rows = [
        {"id": "a b", "on": D, "fact": "applied", "programmes": [], "ownership": "STATE"},
        {"id": "2", "on": "2024-02-30", "fact": "capacity_declared", "places": -1},
        {"id": "3", "on": D, "known_on": "2024-03-14", "fact": "term_met", "term": "ECONOMY"},
        {"id": "4", "on": D, "fact": "flew"},
        {"id": "5", "on": D, "fact": "deauthorised", "programmes": ["AMI_2"], "ground": "NOTICE", "by": "m"},
        {"id": "6", "on": D, "fact": "penalty_recorded", "case": "c", "ground": " ", "amount": 1.5},
        {"id": "7", "on": D, "fact": "staff_listed", "staff": "s", "fte_years_last5": "5.5", "colour": "red"},
        {"id": "8", "on": D, "fact": "finding", "severity": "MINOR", "measure": "a\x00b"},
        "no object",
    ]
    with pytest.raises(InvalidRequest) as refused:
        town.client.call("assignment.record_provider_facts", tenant=town.name, provider="alfa", facts=rows)
    assert sorted({fault["path"] for fault in refused.value.faults}) == [
        "facts[0].id",
        "facts[0].ownership",
        "facts[0].programmes",
        "facts[1].on",
        "facts[1].places",
        "facts[2].evidence",
        "facts[2].known_on",
        "facts[3].fact",
        "facts[4].ground",
        "facts[5].amount",
        "facts[6].colour",
        "facts[6].fte_years_last5",
        "facts[7].measure",
        "facts[8]",
    ]
    assert shown(town, "alfa")["facts"] == []


def test_no_text_or_contact_of_a_provider_leaves_the_service_or_reaches_a_log(
    town: Town, suite: Suite, manager: Client
) -> None:
    secrets = ("Ms Gammelgren", "gossip about a client", "hire two more", "none found, said K", "late reports again")
    applied = fact("2024-01-05", "applied", programmes=AMI, ownership="PRIVATE", contact=secrets[0])
    say(town, "gamma", applied, *met("2024-01-10"), fact("2024-02-01", "authorised", programmes=AMI, by="manager-1"))
    say(
        town,
        "gamma",
        fact(D, "supervised", channel="CLIENT_DIALOGUE", text=secrets[1]),
        fact(D, "finding", severity="MAJOR", measure=secrets[2]),
        fact(D, "term_unmet", term="EMPLOYER_METHOD", reason=secrets[3]),
        fact(D, "penalty_recorded", case="AF-1", ground=secrets[4], amount="100.00"),
        fact("2024-03-16", "deauthorised", programmes=AMI, ground="TERMS_NOT_MET", by="manager-1"),
        by=manager,
    )
    with pytest.raises(FactRefused):
        say(town, "gamma", fact("2024-03-17", "finding", severity="MINOR", measure=secrets[2]), by=manager)
    town.settle()
    for service in suite.databases:
        assert not [secret for secret in secrets if secret in suite.log(service)], service
        with psycopg.connect(suite.databases[service]) as connection:
            told = connection.execute("SELECT data::text FROM event WHERE tenant = %s", (town.name,)).fetchall()
        assert not [secret for secret in secrets for (data,) in told if secret in data], service
    assert [row["amount"] for row in shown(town, "gamma")["penalties"]] == ["100.00"]


def test_where_a_protected_client_must_leave_is_told_to_nobody_without_the_right(town: Town, suite: Suite) -> None:
    who = town.client.call(
        "assignment.register_person", tenant=town.name, identity_number=next(iter(PERSONAL)), name="Test Person"
    )["person"]
    for name, whose in (("A-1", who), ("A-2", None)):
        document = assignment("AMI_2", D, name=name)
        row = {key: document[key] for key in ("id", "programme", "client", "plan")}
        town.client.call("assignment.register", tenant=town.name, assignments=[{**row, "person": whose}])
        town.state(name, *document["facts"])
    town.client.call("assignment.protect_person", tenant=town.name, person=who, kind="PROTECTED_REGISTRATION")
    town.day("2024-06-01")
    deauthorise(town, "alfa", "2024-06-01")
    with suite.client("CAREER_GUIDE", subject="anna", purpose="follow-up") as guide:
        seen = town.ask("assignment.clients_to_move", by=guide)
        assert [(row["assignment"], row["provider"]) for row in seen] == [("A-1", "MASKED"), ("A-2", "alfa")]
        asked = town.ask("assignment.clients_to_move", by=guide, provider="alfa")
        assert [row["assignment"] for row in asked] == ["A-2"]
