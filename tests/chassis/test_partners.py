"""Partners without a database: their secrets, the ids under which they know persons and cases, what they get."""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import RAISE, Schema, ValidationError, fields, validate

from kundval_chassis.db import Row
from kundval_chassis.partners import names, registry
from kundval_chassis.partners.copies import copy_of
from kundval_chassis.partners.keys import KeyMissing, PartnerKeys
from kundval_chassis.partners.pseudonyms import IdOf
from kundval_chassis.partners.registry import Partner, SecretKind, Way
from kundval_chassis.sealing import BadKey
from kundval_contracts import webhooks
from kundval_contracts.envelope import Event
from kundval_contracts.events import EVENTS, MASKED
from kundval_contracts.identifiers import IDS, TELLS_NOBODY
from kundval_contracts.text import is_identifier

from .eventing import jobs
from .partnering import KEYS, LATER, partner

DAY = date(2026, 6, 1)
#: opaque ids as the contracts allow them
IDENTIFIERS = st.from_regex(r"\A[\w.:@/+-]{1,100}\Z").filter(lambda text: "\x1f" not in text)
KINDS = st.sampled_from(IdOf)


def rotate(who: Partner, kind: SecretKind, last_day: date = DAY, key: str = KEYS.first) -> Partner:
    number = who.in_use(kind).number + 1
    return registry.rotated(who, kind, number=number, key=key, last_day=last_day, on=date(2026, 1, 1), at=LATER)


def row(name: str = "assignment.jobs_applied", data: dict[str, Any] | None = None, **changes: Any) -> Row:
    data = jobs(3) if data is None else data
    return {
        "position": 7,
        "sequence": 9,
        "id": "018f3c2e-0000-7000-8000-000000000000",
        "name": name,
        "version": 1,
        "subject": data.get("assignment", "nacka"),
        "tenant": "nacka",
        "occurred_at": datetime(2026, 3, 1, 12, tzinfo=UTC),
        "correlation_id": "c-17",
        "traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01",
        "data": json.dumps(data),
        "restricted": False,
        **changes,
    }


def copied(found: Row, who: Partner | None = None) -> dict[str, Any]:
    copy = copy_of(found, who or partner(), KEYS)
    assert copy is not None
    return copy


# ---------------------------------------------------------------- pseudonyms


@given(id=IDENTIFIERS, kind=KINDS)
def test_a_pseudonym_is_an_id_that_leads_back_with_the_keys_and_that_is_always_the_same(id: str, kind: IdOf) -> None:
    pseudonyms = KEYS.pseudonyms(partner())
    found = pseudonyms.of("nacka", kind, id)
    assert found == PartnerKeys("first:" + "k" * 40).pseudonyms(partner()).of("nacka", kind, id)
    assert is_identifier(found)
    # one that is too long is a hash, from which nobody gets back
    expected = (kind, id) if len(id.encode()) <= 52 else None
    assert pseudonyms.find("nacka", found) == expected


@given(id=IDENTIFIERS, kind=KINDS)
def test_no_two_partners_generations_municipalities_kinds_or_deployments_share_a_pseudonym(id: str, kind: IdOf) -> None:
    who = partner()
    places = [
        (KEYS.pseudonyms(who), "nacka"),
        (KEYS.pseudonyms(who), "solna"),
        (KEYS.pseudonyms(partner("other")), "nacka"),
        (KEYS.pseudonyms(rotate(who, SecretKind.PSEUDONYM)), "nacka"),
        (PartnerKeys("first:" + "x" * 40).pseudonyms(who), "nacka"),
    ]
    made = [one.of(tenant, each, id) for one, tenant in places for each in IdOf]
    assert len({text.partition("-")[2] for text in made}) == len(made)
    # and none leads back anywhere else than where it was made
    for number, (one, tenant) in enumerate(places):
        found = [one.find(tenant, text) for text in made]
        expected = [number * len(IdOf) + place for place in range(len(IdOf))] if len(id.encode()) <= 52 else []
        assert [place for place, what in enumerate(found) if what is not None] == expected


@given(ids=st.lists(st.text("0123456789ab-", min_size=1, max_size=32), min_size=2, max_size=2, unique=True))
def test_the_form_of_a_pseudonym_says_nothing_of_the_id(ids: list[str]) -> None:
    one, other = (KEYS.pseudonyms(partner()).of("nacka", IdOf.ASSIGNMENT, id) for id in ids)
    assert re.fullmatch(r"p1-[A-Za-z0-9_-]{64}", one) and len(one) == len(other)
    assert one != other


def test_the_characters_of_pseudonyms_are_as_even_as_noise() -> None:
    pseudonyms = KEYS.pseudonyms(partner())
    text = "".join(pseudonyms.of("nacka", IdOf.ASSIGNMENT, f"A-{number:03}")[3:] for number in range(1000))
    counts = Counter(text)
    assert len(counts) == 64
    # 1000 of each are expected, and noise strays by some 32
    assert max(counts.values()) < 1200 and min(counts.values()) > 800


@given(
    id=IDENTIFIERS.filter(lambda text: len(text.encode()) <= 52),
    place=st.integers(3, 200),
    letter=st.sampled_from("Ab0_"),
)
def test_a_pseudonym_that_was_changed_leads_nowhere(id: str, place: int, letter: str) -> None:
    pseudonyms = KEYS.pseudonyms(partner())
    good = pseudonyms.of("nacka", IdOf.ASSIGNMENT, id)
    place = min(place, len(good) - 1)
    changed = good[:place] + letter + good[place + 1 :]
    assert changed == good or pseudonyms.find("nacka", changed) is None
    for text in ("", "p1-", good + "A", good[:-1], "p2" + good[2:], "h" + good[1:], "p01" + good[2:], good + "\n"):
        assert pseudonyms.find("nacka", text) is None


def test_pseudonyms_of_before_lead_back_until_their_last_day() -> None:
    old = partner()
    new = rotate(old, SecretKind.PSEUDONYM, last_day=DAY)
    was = KEYS.pseudonyms(old).of("nacka", IdOf.PERSON, "p-1")

    def found(on: date) -> list[Any]:
        return [one.find("nacka", was) for one in KEYS.known_pseudonyms(new, on) if one.find("nacka", was)]

    for days, expected in ((-1, [(IdOf.PERSON, "p-1")]), (0, [(IdOf.PERSON, "p-1")]), (1, [])):
        assert found(DAY + timedelta(days)) == expected
    assert KEYS.pseudonyms(new).generation == 2


# ---------------------------------------------------------------- what is an id of whom


def texts(schema: Schema, name: str) -> list[tuple[str, str]]:
    """Event and key of every text and free structure in a schema, at any depth."""
    found: list[tuple[str, str]] = []
    for attribute, each in schema.fields.items():
        key = each.data_key or attribute
        one: Any = each.inner if isinstance(each, fields.List) else each
        if isinstance(one, fields.Nested):
            found += texts(one.schema, name)
        elif not isinstance(one, fields.Enum | fields.Number | fields.Boolean | fields.Date | fields.DateTime):
            found.append((name, key))
    return found


ALL_TEXTS = [place for name, kind in EVENTS.items() for place in texts(kind.schema, name)]


def test_of_every_text_in_every_event_it_is_declared_whether_it_is_an_id_of_a_case() -> None:
    assert len(ALL_TEXTS) > 300
    assert not set(IDS) & TELLS_NOBODY
    unknown = {(name, key) for name, key in ALL_TEXTS if key not in IDS and key not in TELLS_NOBODY}
    # money is a text on the wire, and neither
    assert {key for _, key in unknown} <= {"amount"}, f"add these to contracts/identifiers.py: {unknown}"
    # nothing is declared that there is not
    assert {key for _, key in ALL_TEXTS} >= set(IDS)


def test_no_id_of_a_case_is_left_in_any_copy_and_every_copy_fits_the_schema_of_its_event() -> None:
    checked = 0
    for name, kind in EVENTS.items():
        for is_masked in (False, True):
            data = sample(kind.schema)
            if data.get("to") == "2026-01-01":
                data["to"] = "2026-02-01"
            kind.schema.load(data, unknown=RAISE)
            found = row(name, data, subject=data.get("assignment", "SECRET"), restricted=is_masked)
            copy = copied(found)
            assert "SECRET" not in json.dumps(copy), name
            kind.schema.load(copy["data"], unknown=RAISE)
            if not is_masked:
                assert differences(data, copy["data"]) <= {"SECRET"}, name
            checked += "SECRET" in json.dumps(data)
    assert checked > 150


def differences(before: Any, after: Any) -> set[Any]:
    """The texts and numbers that are not the same afterwards."""
    if isinstance(before, dict):
        assert before.keys() == after.keys()
        return {one for key in before for one in differences(before[key], after[key])}
    if isinstance(before, list):
        assert len(before) == len(after)
        return {one for pair in zip(before, after, strict=True) for one in differences(*pair)}
    return set() if before == after else {before}


def sample(schema: Schema) -> dict[str, Any]:
    """Data in which every id of a case is SECRET, and everything else has some value of its kind."""
    return {each.data_key or attribute: value(each, attribute) for attribute, each in schema.fields.items()}


#: a value for any kind of field is among these
SOME = (True, 1, "X", "x", "0" * 64, "1.00", "2026-01-01", "2026-01-01T00:00:00+00:00")


def value(one: Any, key: str) -> Any:
    if isinstance(one, fields.List):
        return [value(one.inner, key)]
    if isinstance(one, fields.Nested):
        return sample(one.schema)
    if isinstance(one, fields.Enum):
        return next(iter(one.enum)).value
    if isinstance(one, fields.Dict):
        return {}
    choices = [next(iter(each.choices)) for each in one.validators if isinstance(each, validate.OneOf)]
    for text in (*choices, *(["SECRET"] if key in IDS else []), *SOME):
        with suppress(ValidationError):
            one.deserialize(text)
            return text
    raise AssertionError(f"no value for {key}: {one}")


# ---------------------------------------------------------------- copies


def test_a_copy_is_the_event_under_other_ids_and_without_what_ties_it_to_others() -> None:
    original = row()
    copy = copied(original)
    event = Event.from_dict(copy)
    assert (event.id, event.name, event.sequence, event.tenant) == (original["id"], original["name"], 9, "nacka")
    assert copy["position"] == "7" and "masked" not in copy
    assert "traceparent" not in copy and "correlationid" not in copy
    assert event.subject == event.data["assignment"] == KEYS.pseudonyms(partner()).of("nacka", IdOf.ASSIGNMENT, "A-1")
    assert event.data["fact_id"].startswith("h1-")
    kept = ("ordinal", "on", "known_on", "revision", "count", "month")
    assert {key: event.data[key] for key in kept} == {key: jobs(3)[key] for key in kept}


def test_an_exit_and_what_follows_from_it_name_the_same_fact() -> None:
    exited = copied(row(data=jobs(3)))
    qualified = {
        "assignment": "A-1", "revision": 1, "exit": "f3", "on": "2026-01-01",
        "first_day": "2026-01-02", "kind": "WORK_FULL_TIME", "month": 3, "settle_on": "2026-08-01",
    }  # fmt: skip
    assert copied(row("assignment.exit_qualified", qualified))["data"]["exit"] == exited["data"]["fact_id"]


def test_of_a_protected_person_the_copy_is_masked_and_its_ids_are_pseudonyms_all_the_same() -> None:
    data = {**{key: jobs(3)[key] for key in jobs(3) if key not in ("count", "month")}, "provider": "alfa"}
    whole = copied(row("assignment.provider_chosen", data))
    hidden = copied(row("assignment.provider_chosen", data, restricted=True))
    assert whole["data"]["provider"] == "alfa" and hidden["data"]["provider"] == MASKED
    assert hidden["masked"] is True and "restricted" not in hidden
    for key in ("assignment", "fact_id"):
        assert hidden["data"][key] == whole["data"][key]
    assert hidden["subject"] == whole["subject"]


@pytest.mark.parametrize(
    ("name", "data", "subject", "kept"),
    [
        ("assignment.day_opened", {"date": "2026-01-01"}, "nacka", True),
        ("billing.payment_approved", {"payment": 4, "provider": "alfa"}, "payment-4", True),
        ("assignment.choice_required", {"assignment": "A-1", "provider": "alfa"}, "A-1", False),
        ("assignment.provider_supervised", {"provider": "alfa", "channels": {}}, "alfa", True),
        ("assignment.person_erased", {"person": "p-1"}, "p-1", False),
        ("scheduling.meeting_answered", {"meeting": "m-1"}, "m-1", False),
        ("notifications.sent", {"about": "PROVIDER", "assignment": "alfa"}, "alfa", True),
        ("notifications.sent", {"about": "PAYMENT", "assignment": "4"}, "4", True),
        ("notifications.sent", {"about": "ASSIGNMENT", "assignment": "A-1"}, "A-1", False),
        ("notifications.sent", {"assignment": "A-1"}, "A-1", False),
        ("assignment.day_opened", {"date": "2026-01-01"}, "whoever", False),
    ],
)
def test_the_subject_stays_if_it_is_a_municipality_a_provider_or_a_payment(
    name: str, data: dict[str, Any], subject: str, kept: bool
) -> None:
    copy = copied(row(name, data, subject=subject))
    assert (copy["subject"] == subject) is kept
    for key in ("assignment", "person", "meeting"):
        if data.get(key) == subject:
            assert copy["data"][key] == copy["subject"]


def test_a_partner_gets_what_its_municipalities_and_names_say_and_no_event_that_nobody_knows() -> None:
    assert copy_of(row(tenant="solna"), partner(tenants=frozenset({"nacka"})), KEYS) is None
    assert copy_of(row(), partner(tenants=frozenset({"nacka"})), KEYS) is not None
    assert copy_of(row(), partner(names=("assignment.exited", "billing.*")), KEYS) is None
    assert copy_of(row(), partner(names=("billing.*", "*.jobs_applied")), KEYS) is not None
    assert copy_of(row("assignment.not_there_yet"), partner(), KEYS) is None


def test_a_field_that_the_contracts_do_not_know_is_not_passed_on() -> None:
    assert "client_name" not in copied(row(data={**jobs(3), "client_name": "Alva"}))["data"]


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("pattern", "name", "meant"),
    [
        ("#", "assignment.exited", True),
        ("assignment.exited", "assignment.exited", True),
        ("assignment.exited", "assignment.exited_x", False),
        ("assignment.*", "assignment.exited", True),
        ("*.exited", "assignment.exited", True),
        ("*", "assignment.exited", False),
        ("assignment.#", "assignment.exited", True),
        ("assignment.exited.#", "assignment.exited", True),
        ("#.exited", "assignment.exited", True),
        ("*.*.*", "assignment.exited", False),
        ("billing.#", "assignment.exited", False),
    ],
)
def test_patterns_mean_what_they_mean_at_the_broker(pattern: str, name: str, meant: bool) -> None:
    assert names.is_pattern(pattern)
    assert names.matches(pattern, name) is meant


@pytest.mark.parametrize("text", ["", ".", "a..b", "A.b", "a.b ", "a b", "a.b\n", "*a", "#.#.#.#.#", "x" * 101])
def test_other_texts_are_no_patterns(text: str) -> None:
    assert not names.is_pattern(text)


# ---------------------------------------------------------------- secrets


def test_every_secret_is_another_for_each_partner_kind_generation_and_key() -> None:
    found: list[str] = []
    for keys in (KEYS, PartnerKeys("first:" + "x" * 40)):
        for who in (partner(), partner("other")):
            for each in (who, *(rotate(who, kind) for kind in SecretKind)):
                found.append(keys.feed_tokens(each, DAY)[0])
                found.append(keys.webhook_secrets(each, DAY)[0])
                found.append(keys.queue_password(each))
    # a rotation of one kind leaves the others as they are: of 5 partners for each, 2 of each kind
    assert len(set(found)) == 2 * 2 * 3 * 2


def test_a_secret_of_before_is_good_through_its_last_day_and_not_after() -> None:
    old = partner()
    new = rotate(old, SecretKind.FEED, last_day=DAY)
    was, now = KEYS.feed_tokens(old, DAY)[0], KEYS.feed_tokens(new, DAY)[0]
    for days, good in ((-1, True), (0, True), (1, False)):
        on = DAY + timedelta(days)
        assert KEYS.is_feed_token(new, was, on) is good
        assert KEYS.is_feed_token(new, now, on)
    for text in ("", was[:-1], was + "A", "ö", "\udcff"):
        assert not KEYS.is_feed_token(new, text, DAY)


def test_a_webhook_is_signed_with_both_secrets_while_one_is_replaced() -> None:
    old = partner()
    new = rotate(old, SecretKind.WEBHOOK, last_day=DAY)
    at = datetime(2026, 6, 1, 12, tzinfo=UTC)
    signed = webhooks.headers(KEYS.webhook_secrets(new, DAY), "m-1", at, b"{}")
    for secret in (KEYS.webhook_secrets(old, DAY)[0], KEYS.webhook_secrets(new, DAY)[0]):
        assert webhooks.verify([secret], signed, b"{}", at) == "m-1"
    assert KEYS.webhook_secrets(new, DAY + timedelta(1)) == KEYS.webhook_secrets(new, DAY)[:1]


def test_a_new_key_of_the_deployment_changes_nothing_until_secrets_are_rotated() -> None:
    both = PartnerKeys("second:" + "s" * 40 + ",first:" + "k" * 40)
    who = partner()
    assert both.feed_tokens(who, DAY) == KEYS.feed_tokens(who, DAY)
    assert both.pseudonyms(who).of("nacka", IdOf.PERSON, "p") == KEYS.pseudonyms(who).of("nacka", IdOf.PERSON, "p")
    for kind in SecretKind:
        who = rotate(who, kind, key=both.first)
    assert both.feed_tokens(who, DAY)[1:] == KEYS.feed_tokens(partner(), DAY)
    # and when the old one is gone, what was made with the new one stays
    second = PartnerKeys("second:" + "s" * 40)
    assert second.feed_tokens(who, DAY) == both.feed_tokens(who, DAY)[:1]
    assert second.queue_password(who) == both.queue_password(who)
    with pytest.raises(KeyMissing):
        second.pseudonyms(partner())


@pytest.mark.parametrize("text", ["", "short", "a:" + "k" * 31, "a:" + "k" * 32 + ",a:" + "x" * 32, "k" * 32 + ","])
def test_keys_that_are_none_are_refused_without_a_word_of_them(text: str) -> None:
    with pytest.raises(BadKey) as refused:
        PartnerKeys(text)
    assert "kkk" not in str(refused.value)


def test_a_rotation_that_is_repeated_changes_nothing_and_none_can_be_left_out() -> None:
    who = partner()
    once = rotate(who, SecretKind.FEED)
    again = {"key": KEYS.first, "last_day": DAY, "on": date(2026, 1, 1), "at": LATER}
    assert registry.rotated(once, SecretKind.FEED, number=2, **again) is once
    for number in (1, 4):
        with pytest.raises(ValueError, match="generation"):
            registry.rotated(once, SecretKind.FEED, number=number, **again)
    # what is over is forgotten
    later = registry.rotated(once, SecretKind.FEED, number=3, **{**again, "on": DAY + timedelta(1)})
    assert [one.number for one in later.secrets[SecretKind.FEED]] == [3]


def test_a_partner_that_comes_back_has_no_secret_that_it_had() -> None:
    who = rotate(partner(), SecretKind.FEED)
    back = replace(who, secrets=registry.begun_again(who, KEYS.first))
    assert not set(KEYS.feed_tokens(back, DAY)) & set(KEYS.feed_tokens(who, DAY))
    assert KEYS.queue_password(back) != KEYS.queue_password(who)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"id": "A"}, "id"),
        ({"id": "a"}, "id"),
        ({"id": "a.b"}, "id"),
        ({"id": "a\n"}, "id"),
        ({"names": ()}, "names"),
        ({"names": ("a b",)}, "names"),
        ({"tenants": frozenset({"a b"})}, "tenants"),
        ({"ways": frozenset({Way.WEBHOOK})}, "webhook_url"),
        ({"secrets": {}}, "secrets"),
    ],
)
def test_what_is_no_partner_is_refused_and_the_fault_is_named(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        partner(**changes)
