"""Persons without a database: identity numbers, keys, who sees a protected person, the log's chain, what expires."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from marshmallow import fields

from kundval_assignment.domain.chain import START, Chain, Cut, Entry
from kundval_assignment.domain.people import (
    ERASED,
    OTHER,
    Episode,
    IdentityNumber,
    Protection,
    Reader,
    Sight,
    Viewer,
    WrongNumber,
    begins,
    coarse_birth_date,
    ended_on,
    episode,
    expires,
    history,
    language_served,
    marked,
    read_number,
    sight,
    without_words,
    written_language,
)
from kundval_assignment.people.keys import CannotOpen, PersonKeys
from kundval_chassis.access import subjects_of
from kundval_chassis.sealing import BadKey
from kundval_contracts.calendar import age_on
from kundval_contracts.case import Case
from kundval_contracts.codes import AssignmentState, ExitKind, FactKind, LogFault, Programme, ProtectionKind
from kundval_contracts.facts import FACT_SCHEMAS, FREE_TEXT, load_fact
from kundval_contracts.rpc import METHODS
from kundval_contracts.rpc.base import Shield
from kundval_contracts.settings import RuleSettings, SettingsFault, read_settings

from .numbers import ALL, COORDINATION

DAY = date(2024, 6, 1)
BEFORE, AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)
DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31))

# --- identity numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize("digits", ALL)
def test_a_number_is_read_in_each_of_its_forms(digits: str) -> None:
    for text in (digits, f"{digits[:8]}-{digits[8:]}", f" {digits} "):
        number = read_number(text, DAY)
        assert (number.digits, number.birth_date) == (digits, ALL[digits])
        assert number.coordination == (digits in COORDINATION)


@given(st.sampled_from(sorted(ALL)), DAYS)
def test_the_form_with_ten_digits_gives_the_same_number_on_whatever_day_it_is_written_and_read(
    digits: str, today: date
) -> None:
    assume(today >= ALL[digits])
    number = read_number(digits, today)
    # further back than the hundred years that the sign means
    assume(today.year - number.birth_date.year < 200)
    assert read_number(number.short(today), today) == number


@given(st.sampled_from(sorted(ALL)), st.integers(2, 11), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(digits: str, place: int, more: int) -> None:
    wrong = digits[:place] + str((int(digits[place]) + more) % 10) + digits[place + 1 :]
    with pytest.raises(WrongNumber, match="check digit") as refused:
        read_number(wrong, DAY)
    assert wrong[6:] not in str(refused.value)


@given(st.text(max_size=20) | st.from_regex(r"[0-9]{6,12}[-+]?[0-9]{0,4}", fullmatch=True))
def test_whatever_is_given_is_read_or_refused(text: str) -> None:
    try:
        number = read_number(text, DAY)
    except WrongNumber as error:
        assert not text.strip() or text.strip() not in str(error) or len(text.strip()) < 3
    else:
        assert len(number.digits) == 12


@pytest.mark.parametrize(
    "text", ["", "2017", "20170101-239", "201701012393 ", "２０１７０１０１２３９３", "20170101/2393"]
)
def test_what_has_another_form_is_refused(text: str) -> None:
    if text == "201701012393 ":
        assert read_number(text, DAY).digits == "201701012393"
        return
    with pytest.raises(WrongNumber, match="12 digits"):
        read_number(text, DAY)


def test_a_number_shows_itself_in_no_message() -> None:
    number = read_number("201701012393", DAY)
    assert "2393" not in f"{number!r} {number!s} {[number]}"
    assert isinstance(number, IdentityNumber)


# --- keys --------------------------------------------------------------------------------------------

OLD, NEW = f"old:{'o' * 32}", f"new:{'n' * 32}"


@given(st.text(), st.text(min_size=1, max_size=10), st.text(min_size=1, max_size=10))
def test_what_was_sealed_opens_for_its_own_place_only(text: str, place: str, elsewhere: str) -> None:
    assume(place != elsewhere)
    keys = PersonKeys(OLD)
    sealed = keys.seal(text, place, "identity")
    assert keys.open(sealed, "old", place, "identity") == text
    for wrong in ((elsewhere, "identity"), (place, "details"), (place,)):
        with pytest.raises(CannotOpen):
            keys.open(sealed, "old", *wrong)


def test_sealing_the_same_twice_gives_two_texts_and_neither_holds_it() -> None:
    keys = PersonKeys(OLD)
    one, other = (keys.seal("201701012393", "t", "p", "identity") for _ in range(2))
    assert one != other
    assert b"2393" not in one


def test_a_new_key_in_front_seals_and_the_old_still_opens_and_finds() -> None:
    before, after = PersonKeys(OLD), PersonKeys(f"{NEW},{OLD}")
    sealed = before.seal("words", "t", "p")
    assert after.open(sealed, before.first, "t", "p") == "words"
    assert after.first == "new"
    assert before.search("t", "201701012393") in after.searches("t", "201701012393")
    assert after.search("t", "201701012393") != before.search("t", "201701012393")
    assert before.fingerprint("x") == after.fingerprint("x")
    with pytest.raises(CannotOpen):
        PersonKeys(NEW).open(sealed, "old", "t", "p")


def test_the_same_number_is_found_by_another_text_in_another_town() -> None:
    keys = PersonKeys(OLD)
    assert keys.search("nacka", "201701012393") != keys.search("trelleborg", "201701012393")


@pytest.mark.parametrize("text", ["", "short", f"{OLD},{OLD}", f"{OLD},", f"a:{'x' * 31}"])
def test_keys_that_are_none_are_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(BadKey) as refused:
        PersonKeys(text)
    assert "oooo" not in str(refused.value) and "xxxx" not in str(refused.value)


# --- who sees a protected person ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", ProtectionKind)
@pytest.mark.parametrize(("shield", "hidden"), [(Shield.MASKED, Sight.MASKED), (Shield.READERS, Sight.NOTHING)])
def test_the_three_kinds_protect_alike_and_only_those_named_see(
    kind: ProtectionKind, shield: Shield, hidden: Sight
) -> None:
    protections = [Protection(kind)]
    readers = [Reader("anna", AFTER)]
    assert sight(shield, Viewer("anna"), protections, readers, DAY) is Sight.WHOLE
    for viewer in (Viewer("bo"), Viewer("system"), Viewer("anna", "alfa")):
        assert sight(shield, viewer, protections, readers, DAY) is hidden
    assert sight(shield, Viewer("x", "alfa"), protections, readers, DAY, ["alfa"]) is Sight.WHOLE
    assert sight(shield, Viewer("x", "beta"), protections, readers, DAY, ["alfa"]) is hidden
    assert sight(shield, Viewer("bo"), [], [], DAY) is Sight.WHOLE


@pytest.mark.parametrize("shield", [Shield.NONE, Shield.OPAQUE])
def test_what_is_opaque_is_shown_to_all(shield: Shield) -> None:
    assert sight(shield, Viewer("bo"), [Protection(ProtectionKind.FICTITIOUS)], [], DAY) is Sight.WHOLE


@pytest.mark.parametrize(
    ("since", "until", "day", "hidden"),
    [
        (DAY, None, BEFORE, False),
        (DAY, None, DAY, True),
        (None, DAY, BEFORE, True),
        (None, DAY, DAY, False),
        (None, DAY, AFTER, False),
        (DAY, AFTER, DAY, True),
        (DAY, AFTER, AFTER, False),
        # of no day nothing is known
        (DAY, None, None, True),
        (None, BEFORE, None, True),
    ],
)
def test_a_protection_holds_from_its_first_day_to_the_day_before_its_end(
    since: date | None, until: date | None, day: date | None, hidden: bool
) -> None:
    protections = [Protection(ProtectionKind.PROTECTED_REGISTRATION, since, until)]
    seen = sight(Shield.READERS, Viewer("bo"), protections, [], day)
    assert (seen is Sight.NOTHING) == hidden
    assert marked(protections, day) == hidden


@pytest.mark.parametrize(("day", "sees"), [(BEFORE, True), (DAY, False), (AFTER, False)])
def test_a_reader_sees_until_the_day_before_the_end(day: date, sees: bool) -> None:
    protections = [Protection(ProtectionKind.CONFIDENTIALITY_MARK)]
    seen = sight(Shield.MASKED, Viewer("anna"), protections, [Reader("anna", DAY)], day)
    assert (seen is Sight.WHOLE) == sees


@given(
    st.lists(st.builds(Protection, st.sampled_from(ProtectionKind), st.none() | DAYS, st.none() | DAYS), max_size=3),
    st.lists(st.builds(Reader, st.sampled_from(["anna", "bo"]), DAYS), max_size=3),
    st.sampled_from(["anna", "bo", "eva"]),
    DAYS,
)
def test_another_protection_never_shows_more_and_another_reader_never_less(
    protections: list[Protection], readers: list[Reader], subject: str, day: date
) -> None:
    order = [Sight.NOTHING, Sight.MASKED, Sight.WHOLE]
    for shield in Shield:
        seen = order.index(sight(shield, Viewer(subject), protections, readers, day))
        more = [*protections, Protection(ProtectionKind.FICTITIOUS)]
        assert order.index(sight(shield, Viewer(subject), more, readers, day)) <= seen
        named = [*readers, Reader(subject, date.max)]
        assert sight(shield, Viewer(subject), protections, named, day) is Sight.WHOLE


def test_a_fictitious_identity_carries_no_mark_even_beside_others_that_are_over() -> None:
    fictitious = Protection(ProtectionKind.FICTITIOUS)
    assert not marked([fictitious], DAY)
    assert not marked([fictitious, Protection(ProtectionKind.CONFIDENTIALITY_MARK, None, DAY)], DAY)
    assert marked([fictitious, Protection(ProtectionKind.CONFIDENTIALITY_MARK, None, AFTER)], DAY)


# --- languages ---------------------------------------------------------------------------------------


@pytest.mark.rule("AF-SOM-17")
@pytest.mark.parametrize(
    ("language", "swedish_ok", "languages", "offered", "expected"),
    [
        (None, True, [], ["sv", "en"], "sv"),
        ("so", True, [], ["sv", "en"], "sv"),
        ("so", True, [], ["sv", "so"], "so"),
        ("so", False, ["ar", "en"], ["sv", "en", "ar"], "ar"),
        ("so", False, ["en"], ["sv", "en"], "en"),
        ("so", False, [], ["sv", "en"], None),
        (None, False, [], ["sv"], None),
        (None, True, [], [], None),
    ],
)
def test_a_client_is_written_to_in_a_language_that_it_masters(
    language: str | None, swedish_ok: bool, languages: list[str], offered: list[str], expected: str | None
) -> None:
    assert written_language(language, swedish_ok, languages, offered) == expected


@pytest.mark.rule("AF-SOM-17")
@pytest.mark.parametrize(
    ("swedish", "languages", "offered", "served"),
    [
        (True, [], [], True),
        (True, [], ["sv"], True),
        (True, [], ["en"], False),
        (True, ["en"], ["en"], True),
        (False, ["so", "ar"], ["sv"], False),
        (False, ["so", "ar"], ["sv", "ar"], True),
        (False, [], [], False),
        (False, ["so"], [], False),
    ],
)
def test_a_client_without_swedish_gets_a_language_that_it_masters_or_an_interpreter(
    swedish: bool, languages: list[str], offered: list[str], served: bool
) -> None:
    assert language_served(swedish, languages, offered) == served


# --- a person's assignments --------------------------------------------------------------------------


def lived(name: str, start: str | None, end: str | None = None) -> Episode:
    return Episode(
        name,
        Programme.AMI_2,
        AssignmentState.ACTIVE,
        date.fromisoformat(start) if start else None,
        date.fromisoformat(end) if end else None,
    )


@pytest.mark.rule("LOKA-53")
def test_all_assignments_of_a_person_are_in_order_of_their_start() -> None:
    rows = history([lived("C", None), lived("B", "2024-03-01"), lived("A", "2022-01-01", "2022-06-01")])
    assert [row.assignment for row in rows] == ["A", "B", "C"]


@pytest.mark.rule("NACKA-21")
@pytest.mark.parametrize(("start", "together"), [("2024-05-31", True), ("2024-06-01", False), ("2024-06-02", False)])
def test_interventions_that_share_a_day_are_simultaneous(start: str, together: bool) -> None:
    rows = history([lived("A", "2024-01-01", "2024-06-01"), lived("B", start), lived("C", None)])
    assert [row.simultaneous for row in rows] == [("B",) if together else (), ("A",) if together else (), ()]


def case(*facts: tuple[str, str, dict[str, object]]) -> Case:
    rows = [load_fact({"on": on, "fact": kind, **fields}, place) for place, (on, kind, fields) in enumerate(facts)]
    return Case("A-1", Programme.AMI_2).having(rows)


CHOSEN = (
    ("2024-01-10", "decided", {}),
    ("2024-01-11", "provider_chosen", {"provider": "alfa"}),
    ("2024-01-12", "started", {}),
)
EXIT = (
    "2024-03-01",
    "exited",
    {"kind": "WORK_FULL_TIME", "first_day": "2024-03-04", "extent_pct": 100, "workplace": "W1"},
)


@pytest.mark.rule("LOKA-53")
@pytest.mark.parametrize(
    ("more", "day", "end", "days", "exit_kind"),
    [
        ((), "2024-01-12", None, 1, None),
        ((), "2024-01-21", None, 10, None),
        ((EXIT,), "2024-06-01", "2024-03-01", 49, ExitKind.WORK_FULL_TIME),
        # resumed after a break-off, so it goes on
        (
            (EXIT, ("2024-04-01", "broke_off", {}), ("2024-04-02", "resumed", {"provider": "alfa"})),
            "2024-04-10",
            None,
            90,
            ExitKind.WORK_FULL_TIME,
        ),
        # the period of twelve months is over on the day
        ((), "2025-01-09", None, 364, None),
        ((), "2025-01-10", "2025-01-10", 364, None),
    ],
)
def test_days_run_from_the_start_up_meeting_to_the_end_or_through_the_day(
    more: tuple[tuple[str, str, dict[str, object]], ...],
    day: str,
    end: str | None,
    days: int,
    exit_kind: ExitKind | None,
) -> None:
    found = episode(case(*CHOSEN, *more), RuleSettings(), AssignmentState.ACTIVE, date.fromisoformat(day))
    assert (found.end and found.end.isoformat(), found.days, found.exit_kind) == (end, days, exit_kind)
    assert (found.start, found.provider) == (date(2024, 1, 12), "alfa")


def test_an_assignment_that_has_not_started_has_no_days() -> None:
    found = episode(case(CHOSEN[0]), RuleSettings(), AssignmentState.DECIDED, DAY)
    assert (found.start, found.end, found.days, found.provider) == (None, None, None, None)


# --- the chain of the access log ---------------------------------------------------------------------

KEYS = PersonKeys(f"{NEW},{OLD}")


def chain(count: int, key: str = "new", start: int = 1, head: bytes = START) -> list[Entry]:
    entries: list[Entry] = []
    for n in range(start, start + count):
        at = datetime(2024, 6, 1, tzinfo=UTC) + timedelta(minutes=n)
        one = Entry(
            "t", n, at, "anna", "CAREER_GUIDE", None, "why", "assignment.person", ("person:p",), "SHOWN", key, head
        )
        one = replace(one, mac=KEYS.mac(one.text(), key) or b"")
        entries.append(one)
        head = one.mac
    return entries


def found(entries: list[Entry], known: dict[int, bytes] | None = None, cut: Cut | None = None) -> list[tuple[int, str]]:
    looked = Chain(KEYS.mac, known, cut)
    looked.take(entries)
    return [(n, fault.value) for n, fault in looked.end()]


def test_a_log_as_it_was_written_is_intact() -> None:
    assert found([]) == []
    assert found(chain(5)) == []
    first = chain(3, "old")
    assert found([*first, *chain(3, "new", 4, first[-1].mac)]) == []
    assert found(chain(5), {3: chain(5)[2].mac, 5: chain(5)[4].mac}) == []


@given(st.integers(0, 4), st.sampled_from(["actor", "role", "organisation", "purpose", "method", "outcome", "tenant"]))
def test_a_changed_entry_is_found(place: int, name: str) -> None:
    entries = chain(5)
    entries[place] = replace(entries[place], **{name: "other"})
    assert found(entries) == [(place + 1, "CHANGED")]


@given(st.integers(0, 4))
def test_a_changed_time_or_subject_is_found(place: int) -> None:
    for change in ({"at": datetime(2024, 6, 2, tzinfo=UTC)}, {"subjects": ()}, {"subjects": ("person:p", "person:q")}):
        entries = chain(5)
        entries[place] = replace(entries[place], **change)
        assert found(entries) == [(place + 1, "CHANGED")]


@given(st.integers(0, 3))
def test_a_removed_entry_is_found(place: int) -> None:
    entries = chain(5)
    del entries[place]
    assert (place + 1, "MISSING") in found(entries)


def test_entries_that_were_numbered_anew_after_a_removal_are_found() -> None:
    entries = chain(5)
    del entries[2]
    anew = [replace(one, n=n) for n, one in enumerate(entries, 1)]
    assert {(3, "CHANGED"), (3, "MISPLACED"), (4, "CHANGED")} <= set(found(anew))


def test_an_inserted_entry_is_found_unless_all_keys_are_known() -> None:
    entries = chain(5)
    false = replace(entries[2], actor="nobody", n=3, mac=b"\1" * 32)
    assert (3, "CHANGED") in found([*entries[:2], false, *(replace(one, n=one.n + 1) for one in entries[2:])])


def test_a_log_that_lost_its_end_is_found_by_what_was_told_of_it() -> None:
    entries = chain(5)
    assert found(entries[:3]) == []
    assert found(entries[:3], {5: entries[4].mac}) == [(5, "MISSING")]


def test_a_log_that_was_written_anew_with_the_keys_is_found_by_what_was_told_of_it() -> None:
    other = [replace(one, actor="nobody", mac=b"") for one in chain(5)]
    head, anew = START, []
    for one in other:
        one = replace(one, previous=head)
        one = replace(one, mac=KEYS.mac(one.text(), one.key_id) or b"")
        anew.append(one)
        head = one.mac
    assert found(anew) == []
    assert found(anew, {4: chain(5)[3].mac}) == [(4, "NOT_AS_KNOWN")]


def test_an_entry_under_a_key_that_is_gone_cannot_be_told() -> None:
    looked = Chain(PersonKeys(NEW).mac)
    looked.take(chain(2, "old"))
    assert looked.end() == [(1, LogFault.UNKNOWN_KEY), (2, LogFault.UNKNOWN_KEY)]


def test_a_log_whose_oldest_entries_were_erased_begins_with_a_sealed_cut() -> None:
    entries = chain(5)
    cut = Cut("t", 2, entries[1].mac, datetime(2025, 1, 1, tzinfo=UTC), "new")
    cut = replace(cut, mac=KEYS.mac(cut.text(), "new") or b"")
    assert found(entries[2:], {1: entries[0].mac, 5: entries[4].mac}, cut) == []
    assert found(entries[2:]) != []
    assert (2, "CHANGED") in found(entries[2:], None, replace(cut, mac=b"\0" * 32))
    # and hides nothing that came after it
    assert (3, "MISSING") in found(entries[3:], None, cut)


# --- what is entered ---------------------------------------------------------------------------------


def test_subjects_are_opaque_ids_and_never_an_identity_number() -> None:
    request = {"tenant": "t", "person": "p-1", "assignment": "A-7", "provider": "alfa"}
    assert subjects_of(request, {"person": "p-2"}) == {"person:p-1", "person:p-2", "assignment:A-7"}
    for wrong in ("201701012393", "20170101-2393", "170101-2393", "170101+2393", "Anna A", "x" * 101, 7, None):
        assert subjects_of({"person": wrong}) == set()
    assert subjects_of(None, ["person"]) == set()


def test_whoever_sees_a_protected_person_whole_is_entered() -> None:
    shielded = {name: one.policy for name, one in METHODS.items() if one.policy.shield in (Shield.READERS,)}
    assert shielded
    assert all(policy.personal for policy in shielded.values())


# --- what expires ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept", "ended", "first"),
    [("P30D", "2024-01-31", "2024-03-01"), ("P1M", "2024-01-31", "2024-02-29"), ("P120M", "2024-02-29", "2034-02-28")],
)
def test_a_record_is_kept_until_the_day_before_it_expires(kept: str, ended: str, first: str) -> None:
    assert expires(date.fromisoformat(ended), kept) == date.fromisoformat(first)


@given(DAYS, st.integers(0, 9999), st.sampled_from("DM"))
def test_the_first_day_that_is_still_kept_is_the_first_that_does_not_expire(
    today: date, number: int, unit: str
) -> None:
    kept = f"P{number}{unit}"
    first = begins(today, kept)
    assert expires(first, kept) > today
    assume(first > date(1, 1, 10))
    assert expires(first - timedelta(days=1), kept) <= today


def test_how_long_anything_is_kept_has_no_default() -> None:
    for kind in ("person", "facts_texts", "documents", "snapshots", "access_log"):
        assert RuleSettings()[f"retention.{kind}"] is None
        assert read_settings({f"retention.{kind}": 30}) == {f"retention.{kind}": "P30D"}
        with pytest.raises(SettingsFault):
            read_settings({f"retention.{kind}": "for ever"})


def test_an_assignment_ends_with_the_last_that_is_known_of_it_and_not_before_its_period() -> None:
    late = {"known_on": "2024-05-05", **EXIT[2]}
    known = case(*CHOSEN, ("2024-03-01", "exited", late))
    registered, early, over = date(2024, 1, 1), date(2024, 12, 1), date(2025, 3, 1)
    assert ended_on(known, RuleSettings(), registered, early) == date(2024, 5, 5)
    assert ended_on(known, RuleSettings(), registered, over) == date(2025, 1, 10)
    assert ended_on(case(), RuleSettings(), registered, over) == registered
    # a register that was taken over long after
    assert ended_on(known, RuleSettings(), date(2024, 9, 9), early) == date(2024, 5, 5)


@given(st.dates(date(1930, 1, 1), date(2010, 1, 1)), st.dates(date(2010, 1, 1), date(2100, 1, 1)))
def test_the_birth_date_that_is_left_gives_the_same_age_at_the_decision(birth: date, decided: date) -> None:
    assert age_on(coarse_birth_date(birth, decided), decided) == age_on(birth, decided)


def test_without_a_decision_only_the_year_is_left() -> None:
    assert coarse_birth_date(date(1990, 5, 17), None) == date(1990, 1, 1)


VALUES = st.recursive(st.text(min_size=1), lambda one: st.dictionaries(st.text(), one) | st.lists(one), max_leaves=5)


@given(VALUES)
def test_no_word_is_left_of_what_is_crossed_out(value: object) -> None:
    for other in without_words(value):
        assert set(words_in(other)) <= {ERASED, OTHER}


def words_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from words_in(inner)


def examples() -> list[tuple[FactKind, str]]:
    return [(kind, name) for kind, names in FREE_TEXT.items() for name in names]


@pytest.mark.parametrize(("kind", "name"), examples())
def test_every_field_with_words_can_be_stored_without_them(kind: FactKind, name: str) -> None:
    field: Any = FACT_SCHEMAS[kind].fields[name]
    parts = list(field.schema.fields.values()) if isinstance(field, fields.Nested) else [field]
    for part in parts:
        one = part.inner if isinstance(part, fields.List) else part
        # what is no text is a code, a number, a day, yes or no: it may stay if a judgement rests on it
        if isinstance(one, fields.String | fields.Raw):
            assert one.deserialize(ERASED) == ERASED
