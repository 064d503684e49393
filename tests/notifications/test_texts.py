"""Texts: every kind to every role in every language, nothing left unfilled, nothing that gives anybody away."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kundval_chassis.settings import SettingsError, load
from kundval_contracts.answer import Notice
from kundval_contracts.codes import DeliveryChannel, MessageState, NoticeKind, Programme, Role, Urgency
from kundval_notifications import texts
from kundval_notifications.channels.sms_text import parts
from kundval_notifications.cli_preview import command
from kundval_notifications.domain.party import Party
from kundval_notifications.domain.route import Manners, Pending, Send, decide
from kundval_notifications.settings import SETTINGS, faults
from kundval_notifications.texts import load as files
from kundval_notifications.texts import sample
from kundval_notifications.texts.lexicon import Lexicon, lexicon
from kundval_notifications.texts.preview import as_text, write_all
from kundval_notifications.texts.wording import lix, remarks

from .messages import CLOSED, LANGUAGES, LINK, OPEN, PAIRS, SNAPSHOTS, marked, nudges

EMAIL, SMS, INBOX = DeliveryChannel.EMAIL, DeliveryChannel.SMS, DeliveryChannel.INBOX
SNAPSHOT_FOLDER = Path(__file__).parent / "snapshots"
FINGERPRINTS = Path(__file__).parent / "text_fingerprints.toml"
MAIN = texts.LANGUAGES
NOON = datetime(2024, 5, 6, 10, tzinfo=UTC)
#: the recipient is protected, or whom it is about
PROTECTIONS = [(False, False), (True, False), (False, True)]

main_languages = pytest.mark.parametrize("language", MAIN)
own_languages = pytest.mark.parametrize("language", texts.languages())
any_language = pytest.mark.parametrize("language", LANGUAGES)


def everything_forbidden() -> Lexicon:
    """What no open channel says in Swedish or English, and the names of all programmes."""
    return lexicon({code: one.raw for code, one in texts.library().by_code.items()}, MAIN)


def to_client(kind: NoticeKind = NoticeKind.DECISION) -> list[texts.Item]:
    return [texts.Item(kind, Role.CLIENT, Urgency.NORMAL)]


# --- nothing leaves on an open channel --------------------------------------------------------------------------


@any_language
@pytest.mark.parametrize("channel", OPEN)
def test_an_open_channel_says_nothing_of_a_case_whatever_it_is_about(language: str, channel: DeliveryChannel) -> None:
    """Every kind to every role, alone, with others, in the day's summary, in time and late. An open channel is not
    given anything of a person either, so one who is protected is told the same words, if at all.
    """
    forbidden = everything_forbidden()
    said = list(nudges(language, channel))
    assert len(said) == 4 * len(PAIRS) + 2
    # most are the same, and each that is not is looked at once
    for content, whose in {content: whose for whose, content in said}.items():
        whole = " ".join((content.subject, content.text, _visible(content.html or "")))
        assert LINK in content.text and "MARK" not in whole
        words = whole.replace(LINK, " ")
        assert forbidden.found_in(words) == [], whose
        assert set(re.findall(r"\d+", words)) <= {"1", str(len(PAIRS))}, whose
        assert "@" not in words and "http" not in words


@pytest.mark.parametrize("language", [*MAIN, "ar", "und"])
def test_nothing_sensitive_leaves_whatever_the_kind_role_channel_and_protection(language: str) -> None:
    """What a message would leave by is decided as in delivery; then what leaves is looked at."""
    forbidden, left = everything_forbidden(), set()
    for (kind, to), channel, (protected, guarded) in product(PAIRS, DeliveryChannel, PROTECTIONS):
        party = Party(to, "p-1", language, {channel: "somewhere"}, protected=protected)
        pending = Pending(party, Urgency.AT_ONCE, (channel,), frozenset(DeliveryChannel), NOON, guarded=guarded)
        decision = decide(pending, Manners(), NOON)
        hidden = protected or guarded
        if not isinstance(decision, Send):
            assert hidden or channel is INBOX, (kind, to, channel)
            continue
        assert not (hidden and (to is Role.CLIENT or channel is DeliveryChannel.WEBHOOK)), (kind, to, channel)
        left.add((to, channel, hidden))
        if not channel.is_open:
            content = texts.inside(marked(kind, to), language, LINK)
            assert "MARK-PROVIDER" not in f"{content.subject} {content.text} {content.html}"
            continue
        content = texts.nudge([sample.item(kind, to)], language, channel, LINK)
        words = " ".join((content.subject, content.text, _visible(content.html or ""))).replace(LINK, " ")
        assert "MARK" not in words and not re.search(r"\d", words) and forbidden.found_in(words) == []
    # staff is reached about those who are protected too, and clients by every way that there is for them
    reached = {
        (Role.CAREER_GUIDE, EMAIL, True),
        (Role.CLIENT, SMS, False),
        (Role.CLIENT, DeliveryChannel.DIGITAL_MAIL, False),
        (Role.PROVIDER, DeliveryChannel.WEBHOOK, False),
    }
    assert reached <= left


def test_the_scan_would_find_what_it_looks_for() -> None:
    forbidden = everything_forbidden()
    for said in (
        "Du har ett möte om AMI 2",
        "Om din A-M-I\u200b 2",
        "Stöd och matchning väntar",
        "din INSATS",
        "Ditt jobbsökande",
        "a message about your provider",
        "your start-up meeting",
        "Jobb\u00adpeng",
        "uppföljningsmöte",
        "a report",
    ):
        assert forbidden.found_in(said), said
    for said in ("Du har ett nytt meddelande. Logga in.", "You have a new meeting. Log in to see when and where."):
        assert forbidden.found_in(said) == []
    titles = {programme.value for programme in Programme if "_" in programme.value}
    assert titles & forbidden.phrases == titles


@any_language
def test_whatever_it_is_about_a_client_is_told_the_same_but_for_meetings(language: str) -> None:
    clients = [kind for kind, to in PAIRS if to is Role.CLIENT]
    meetings = {NoticeKind.MEETING_BOOKED, NoticeKind.MEETING_MOVED, NoticeKind.MEETING_CANCELLED,
                NoticeKind.MEETING_SOON}  # fmt: skip
    others = {texts.nudge(to_client(kind), language, EMAIL, LINK) for kind in clients if kind not in meetings}
    assert len(clients) > len(meetings) and len(others) == 1


@main_languages
@pytest.mark.parametrize("kind", [kind for kind, to in PAIRS if to is Role.CLIENT], ids=str)
def test_a_closed_channel_tells_a_client_no_id_provider_or_value(kind: NoticeKind, language: str) -> None:
    content = texts.inside(marked(kind, Role.CLIENT), language, LINK)
    whole = f"{content.subject} {content.text} {content.html}".replace(LINK, "")
    assert "MARK" not in whole and "1999" not in whole
    assert LINK in content.text


@main_languages
@pytest.mark.parametrize(("kind", "to"), [pair for pair in PAIRS if pair[1] is not Role.CLIENT], ids=str)
def test_a_closed_channel_tells_others_the_id_and_no_provider_or_rule(
    kind: NoticeKind, to: Role, language: str
) -> None:
    content = texts.inside(marked(kind, to), language, LINK)
    assert "MARK-ID" in content.subject and "MARK-ID" in (content.html or "")
    for hidden in ("MARK-PROVIDER", "MARK-RULE"):
        assert hidden not in f"{content.subject} {content.text} {content.html}"


def test_what_is_put_into_a_page_cannot_become_part_of_it() -> None:
    notice = replace(marked(NoticeKind.STARTED, Role.CAREER_GUIDE), assignment="<script>x</script>&")
    html = texts.inside(notice, "sv", 'https://x.example/"onload="y').html or ""
    assert "<script" not in html and "&lt;script&gt;" in html and '"onload' not in html


# --- every kind has words ----------------------------------------------------------------------------------------


@main_languages
@pytest.mark.parametrize("channel", CLOSED)
def test_every_kind_is_said_to_every_role_with_all_places_filled(language: str, channel: DeliveryChannel) -> None:
    for kind, to in PAIRS:
        content = texts.inside(sample.notice(kind, to), language, sample.LINK, sample.history(kind))
        assert content.language == language
        assert content.subject and "\n" not in content.subject
        assert not re.search(r"[{}]|\bNone\b|–", content.subject + content.text), content
        # every code was put into words: none is left as it is in a program
        assert not re.search(r"\b[A-Z]+_[A-Z_0-9]+\b", content.subject + content.text), content


@main_languages
def test_every_role_of_staff_can_be_told_of_what_staff_is_told(language: str) -> None:
    for kind, to in PAIRS:
        for other in Role if to is not Role.CLIENT else ():
            if other is not Role.CLIENT:
                assert texts.inside(replace(sample.notice(kind, to), to=other), language, LINK).text


def test_a_client_is_not_told_what_is_for_staff_and_no_kind_is_made_up() -> None:
    with pytest.raises(LookupError):
        texts.inside(Notice("A-001", "BONUS_CLAIMED", Role.CLIENT, date(2024, 5, 6), ()), "sv", LINK)
    with pytest.raises(LookupError, match="no kind of notice NOTHING"):
        texts.inside(Notice("A-001", "NOTHING", Role.PROVIDER, date(2024, 5, 6), ()), "sv", LINK)
    with pytest.raises(ValueError, match="nothing to tell"):
        texts.nudge([], "sv", EMAIL, LINK)


@pytest.mark.rule("AMI-3.2.1-d")
@pytest.mark.parametrize("kind", [NoticeKind.OFFER_DECLINED, NoticeKind.MEETING_TO_BOOK])
@pytest.mark.parametrize(
    ("language", "assistance", "duties"),
    [
        ("sv", "Vad som krävs för att behålla rätten till ekonomiskt bistånd.",
         "Rättigheter och skyldigheter för att ha kvar rätten till insatsen."),
        ("en", "What is expected in order to keep financial assistance.",
         "Rights and duties for remaining entitled to the intervention."),
    ],
)  # fmt: skip
def test_we_16_the_agenda_branches_on_assistance(kind: NoticeKind, language: str, assistance: str, duties: str) -> None:
    notice = sample.notice(kind, Role.CAREER_GUIDE)
    for code, wanted, other in (("KEEP_EB", assistance, duties), ("RIGHTS_AND_DUTIES", duties, assistance)):
        content = texts.inside(replace(notice, values={**notice.values, "agenda": code}), language, LINK)
        assert f"\n- {wanted}\n" in content.text and other not in content.text
        assert f">{wanted}</li>" in (content.html or "") and other not in (content.html or "")


def test_codes_in_a_list_are_each_put_into_words() -> None:
    content = texts.inside(sample.notice(NoticeKind.DOCUMENTS_MISSING, Role.PROVIDER), "sv", LINK)
    assert "\n- studieintyg\n- beslut från CSN\n" in content.text


def test_a_value_that_a_notice_lacks_is_a_gap_and_no_reason_to_tell_nothing() -> None:
    notice = replace(sample.notice(NoticeKind.STARTED, Role.CAREER_GUIDE), values={})
    assert "Uppstartsmötet hölls den –." in texts.inside(notice, "sv", LINK).text


@pytest.mark.rule("AMI-2.2-c")
@main_languages
def test_the_coordinator_is_told_three_things_and_no_more(language: str) -> None:
    text = texts.inside(sample.notice(NoticeKind.COORDINATOR_TO_INFORM, Role.CAREER_GUIDE), language, LINK).text
    assert len(re.findall(r"^- ", text, re.MULTILINE)) == 3


def test_a_programme_that_a_tariff_names_is_called_by_its_title() -> None:
    notice = sample.notice(NoticeKind.PROVIDER_CHOSEN, Role.PROVIDER)
    for code, title in (("SOM_1", "Stöd och matchning, spår 1 (grundspår)"), ("LOCAL", "kommunens egen insats")):
        assert title in texts.inside(replace(notice, values={"programme": code}), "sv", LINK).text


# --- languages ---------------------------------------------------------------------------------------------------


@own_languages
def test_a_client_is_told_in_the_own_language_alone(language: str) -> None:
    content = texts.nudge(to_client(), language, EMAIL, LINK)
    held = texts.library().by_code[language]
    assert (content.language, content.version) == (language, f"{language}-{held.version}")
    assert f'<html lang="{language}" dir="{held.direction}">' in (content.html or "")


def test_arabic_and_persian_run_from_right_to_left_and_their_link_does_not() -> None:
    assert [one.code for one in texts.library().by_code.values() if one.direction == "rtl"] == ["ar", "fa"]
    html = texts.nudge(to_client(), "ar", EMAIL, LINK).html or ""
    assert (
        'dir="rtl"' in html and f'<bdi dir="ltr" style="overflow-wrap: anywhere; word-break: break-all;">{LINK}' in html
    )


@pytest.mark.parametrize("language", ["pl", "und", ""])
def test_a_language_without_texts_is_told_in_swedish_with_english_below(language: str) -> None:
    content = texts.nudge(to_client(), language, EMAIL, LINK)
    assert (content.language, content.version) == ("sv+en", "sv-3,en-3")
    assert 0 <= content.text.index("Du har ett nytt meddelande.") < content.text.index("You have a new message.")
    html = content.html or ""
    assert '<section lang="sv" dir="ltr">' in html and '<section lang="en" dir="ltr" class' in html


def test_what_a_language_does_not_say_is_told_in_swedish_with_english_below() -> None:
    assert texts.inside(sample.notice(NoticeKind.DECISION, Role.CLIENT), "ar", LINK).language == "sv+en"
    staff = texts.Item(NoticeKind.STARTED, Role.CAREER_GUIDE, Urgency.AT_ONCE)
    assert texts.nudge([staff], "fi", EMAIL, LINK).language == "sv+en"
    assert texts.nudge(to_client(), "en-GB", EMAIL, LINK).language == "en"


@any_language
def test_a_text_message_fits_the_parts_that_its_language_states(language: str) -> None:
    held = texts.library().get(language)
    most = held.sms_parts if held else 2
    for whose, content in nudges(language, SMS):
        assert content.html is None
        count = parts(content.text)
        assert count <= (most if "+" not in content.language else max(most, 2)), (whose, count, content.text)
    assert parts(texts.nudge(to_client(), "sv", SMS, LINK).text) == 1


# --- several, late, reminders, history ------------------------------------------------------------------------------


def test_the_summary_of_a_day_says_how_many_and_nothing_else() -> None:
    items = [texts.Item(kind, Role.CAREER_GUIDE, Urgency.NORMAL) for kind in list(NoticeKind)[:7]]
    content = texts.nudge(items, "sv", EMAIL, LINK, digest=True)
    assert content.template == "nudge.digest" and "i dag: 7." in content.text


def test_staff_is_told_whether_there_is_something_to_do_and_how_soon() -> None:
    def key(kind: NoticeKind, urgency: Urgency = Urgency.NORMAL) -> str:
        return texts.nudge_key([texts.Item(kind, Role.CAREER_GUIDE, urgency)])

    assert key(NoticeKind.STARTED) == "message"
    assert key(NoticeKind.OBLIGATION_OVERDUE) == "task"
    assert key(NoticeKind.OFFER_DECLINED, Urgency.AT_ONCE) == "urgent"


@any_language
def test_what_comes_late_says_so(language: str) -> None:
    for channel in OPEN:
        late, in_time = (texts.nudge(to_client(), language, channel, LINK, late=late) for late in (True, False))
        assert len(late.text) > len(in_time.text) and late.subject == in_time.subject
    notice = sample.notice(NoticeKind.STARTED, Role.CAREER_GUIDE)
    assert "comes later than it should" in texts.inside(notice, "en", LINK, late=True).text


def test_a_notice_that_is_told_again_says_that_it_is() -> None:
    notice = sample.notice(NoticeKind.REPORT_RETURNED, Role.PROVIDER)
    said = "This is not settled yet. It has been told of before."
    assert said not in texts.inside(notice, "en", LINK).text
    assert said in texts.inside(replace(notice, round=2), "en", LINK).text


def test_an_escalation_tells_the_whole_history() -> None:
    past = [
        texts.Past(NoticeKind.OBLIGATION_DUE_SOON, Role.PROVIDER, date(2024, 3, 25), None, MessageState.FAILED),
        # half past midnight in summer, and still the day before in UTC
        texts.Past(NoticeKind.OBLIGATION_OVERDUE, Role.CAREER_GUIDE, date(2024, 4, 2),
                   datetime(2024, 4, 1, 22, 30, tzinfo=UTC), MessageState.DELIVERED),
    ]  # fmt: skip
    notice = sample.notice(NoticeKind.OBLIGATION_ESCALATED, Role.TEAM_MANAGER)
    content = texts.inside(notice, "en", LINK, past)
    assert (
        "What has happened so far:\n"
        "- 25 March 2024: Soon due. To: the provider. Did not arrive.\n"
        "- 2 April 2024: This is late. To: the career guide. Delivered: 2 April 2024 00:30.\n"
    ) in content.text
    assert (content.html or "").count("<li ") == 2
    nobody = "Nobody has been told of this before."
    assert nobody in texts.inside(notice, "en", LINK, ()).text
    # where the history is shown beside, the text says nothing of it
    assert nobody not in texts.inside(notice, "en", LINK).text


def test_days_are_said_with_the_name_of_the_month_and_stay_readable_to_programs() -> None:
    notice = replace(sample.notice(NoticeKind.STARTED, Role.CAREER_GUIDE), values={"day": "2024-03-01"})
    assert "Uppstartsmötet hölls den 1 mars 2024." in texts.inside(notice, "sv", LINK).text
    english = texts.inside(notice, "en", LINK)
    assert "The start-up meeting was held on 1 March 2024." in english.text
    assert 'datetime="2024-03-01">1 March 2024</time>' in (english.html or "")


def test_a_client_is_told_no_history() -> None:
    past = [texts.Past(NoticeKind.BONUS_CLAIMED, Role.CAREER_GUIDE, date(2024, 3, 25), None, MessageState.SENT)]
    notice = sample.notice(NoticeKind.DECISION, Role.CLIENT)
    assert texts.inside(notice, "sv", LINK, past) == texts.inside(notice, "sv", LINK)


# --- plain words -----------------------------------------------------------------------------------------------------


@main_languages
def test_swedish_and_english_are_plain(language: str) -> None:
    assert list(remarks(texts.library().by_code[language])) == []


def test_what_is_not_plain_is_remarked_upon() -> None:
    held = texts.library().by_code["sv"]
    long = "Härmed " + "meddelas kommuninvånaren " * 12
    raw = {**held.raw, "nudge": {"message": {"subject": "x", "body": long}}, "inside": {}}
    found = [text for _, text in remarks(replace(held, raw=raw))]
    assert any("says 'härmed'" in one for one in found)
    assert any("a sentence of 25 words" in one for one in found)
    assert any("a LIX of" in one for one in found)
    # ten short words in two sentences, then one long of two
    assert (lix("Du har ett möte nu. Logga in och se det."), lix("Du meddelas.")) == (5, 52)


# --- the proof -------------------------------------------------------------------------------------------------------


def fingerprint(raw: Any) -> str:
    words = {key: value for key, value in raw.items() if key in ("nudge", "frame", "inside", "lists", "words")}
    return hashlib.sha256(json.dumps(words, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]


@own_languages
def test_words_change_with_a_new_version_only(language: str) -> None:
    """The proof of a message names a version. Who changes words gives the file a new one, and enters it here: one
    that has been delivered stays as it was.
    """
    known = tomllib.loads(FINGERPRINTS.read_text(encoding="utf-8"))[language]
    held = texts.library().by_code[language]
    now = fingerprint(held.raw)
    assert held.version in known, f"enter version {held.version} of {language}.toml: {now}"
    assert known[held.version] == now, (
        f"the words of {language}.toml have changed: give it a new version, and enter {now}"
    )


def test_a_link_is_opaque_and_the_same_for_the_same_notice() -> None:
    one = sample.notice(NoticeKind.DECISION, Role.CLIENT)
    other = sample.notice(NoticeKind.CHOICE, Role.CLIENT)
    base = "https://login.example/m"
    assert texts.link(one, base) == texts.link(one, base + "/")
    assert texts.link(one, base) != texts.link(other, base)
    assert texts.link(one, base, b"secret") != texts.link(one, base)
    assert re.fullmatch(re.escape(base) + r"/[0-9a-f]{32}", texts.link(one, base))


# --- what it looks like ----------------------------------------------------------------------------------------------


def _visible(html: str) -> str:
    """What a page says, its marks aside."""
    return re.sub(r"<[^>]*>", " ", re.sub(r"<style>.*?</style>", " ", html, flags=re.DOTALL))


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_a_mail_looks_as_it_did_when_it_was_looked_at(name: str) -> None:
    """`python -m tests.notifications.write_snapshots` writes them anew; look at each in a browser, light and dark."""
    content = SNAPSHOTS[name]()
    assert as_text(content) == (SNAPSHOT_FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    assert content.html == (SNAPSHOT_FOLDER / f"{name}.html").read_text(encoding="utf-8")


def test_there_is_no_snapshot_of_nothing() -> None:
    assert {path.stem for path in SNAPSHOT_FOLDER.iterdir()} == set(SNAPSHOTS)


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_a_mail_can_be_read_by_everybody_and_follows_nobody(name: str) -> None:
    content = SNAPSHOTS[name]()
    html = content.html or ""
    lang, direction = re.findall(r'<html lang="([^"]+)" dir="(ltr|rtl)">', html)[0]
    assert lang == content.language.split("+")[0] and direction == texts.library().by_code[lang].direction
    assert f"<title>{content.subject}</title>" in html
    levels = [int(level) for level in re.findall(r"<h([1-6])", html)]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert html.count("<main") == 1 and re.findall(r'<a class="button"[^>]*>[^<]+</a>', html)
    # nothing is loaded, nothing runs, nobody is counted
    assert not re.search(r"<(img|script|iframe|link|object|form|input)\b|url\(|@import|\son\w+=|src=", html)
    assert set(re.findall(r'href="([^"]*)"', html)) == {sample.LINK}
    assert set(re.findall(r"https?://[^\s\"'<]+", html)) == {sample.LINK}
    for inked, paper in _colours(html):
        assert _contrast(inked, paper) >= 4.5, (inked, paper)
    # the text says what the page says
    shown = "".join(_visible(html).split())
    for line in content.text.splitlines():
        said = "".join(line.removeprefix("- ").removesuffix(":").split())
        assert line == "---" or said in shown, line


def _colours(html: str) -> set[tuple[str, str]]:
    """Every colour of letters with what it stands on, light and dark. What says no ground stands on the page's."""
    found = set()
    for ground, styles in (
        ("#ffffff", re.findall(r'style="([^"]*)"', html)),
        ("#121212", re.findall(r"\{([^{}]*)\}", html)),
    ):
        for style in styles:
            inked = re.search(r"(?<![-\w])color: (#\w{6})", style)
            paper = re.search(r"background-color: (#\w{6})", style)
            if inked:
                found.add((inked[1], paper[1] if paper else ground))
    assert len(found) >= 5
    return found


def _contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2."""

    def luminance(colour: str) -> float:
        parts_ = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts_)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_text_can_be_looked_at_in_files(tmp_path: Path) -> None:
    count = write_all(tmp_path)
    written = list(tmp_path.rglob("*.txt"))
    assert len(written) == count > 300
    assert {path.name for path in tmp_path.iterdir()} == set(texts.languages())
    assert (tmp_path / "en/inside/OFFER_DECLINED.CAREER_GUIDE.html").exists()
    assert not (tmp_path / "sv/sms/message.html").exists()


# --- the operator's own -----------------------------------------------------------------------------------------------

POLISH = """
language = "pl"
name = "polski"
direction = "ltr"
version = "own-1"
proofread = true
sms_parts = 2
[nudge.message]
subject = "Masz nową wiadomość"
body = "Masz nową wiadomość. Zaloguj się, aby ją przeczytać."
sms = "Masz nową wiadomość. Zaloguj się:"
[frame]
log_in = "Zaloguj się"
link = "Jeśli przycisk nie działa, skopiuj ten adres do przeglądarki:"
no_reply = "Na tę wiadomość nie można odpowiedzieć."
late = "Ta wiadomość przychodzi później, niż powinna."
late_short = "Z opóźnieniem."
"""


def own(folder: Path, **given: str) -> Path:
    for stem, text in given.items():
        (folder / f"{stem}.toml").write_text(text, encoding="utf-8")
    return folder


def test_an_operators_folder_adds_a_language_and_changes_a_text(tmp_path: Path) -> None:
    changed = 'language = "sv"\nversion = "town-2"\n[nudge.message]\nsubject = "Läs ditt nya meddelande"\n'
    library = files.read(own(tmp_path, pl=POLISH, sv=changed))
    assert library.languages == ("sv", "en", "ar", "fa", "fi", "pl", "so", "ti", "uk")
    polish = library.by_code["pl"].nudge("message")
    assert polish is not None and polish.subject == "Masz nową wiadomość"
    swedish = library.by_code["sv"].nudge("message")
    assert swedish is not None
    assert (swedish.subject, swedish.version) == ("Läs ditt nya meddelande", "3+town-2")
    assert swedish.body == "Du har ett nytt meddelande. Logga in för att läsa det."


def test_texts_in_use_are_those_of_the_folder_until_others_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_in_use", [])
    texts.use(own(tmp_path, pl=POLISH))
    assert texts.nudge(to_client(), "pl", EMAIL, LINK).version == "pl-own-1"
    files.read.cache_clear()
    with pytest.raises(texts.TextFault):
        texts.use(own(tmp_path, fr='language = "fr"'))
    (tmp_path / "fr.toml").unlink()
    assert "pl" in texts.languages()
    texts.use(None)
    assert "pl" not in texts.languages()


def faults_of(folder: Path, **given: str) -> dict[str, str]:
    with pytest.raises(texts.TextFault) as raised:
        files.read(own(folder, **given))
    return dict(raised.value.faults)


def test_every_fault_of_every_file_is_named_by_its_path(tmp_path: Path) -> None:
    broken = """
language = "sv"
version = "a version"
colour = "blue"
[nudge.message]
subject = "Två\\nrader"
body = "Hej {namn}"
[nudge.meeting]
body = "Du har ett möte {count!r}"
[nudge.several]
body = "{count.__class__} nya"
sms = "{count} nya {"
[frame]
late = "\\u202Emoc.live"
[inside.NOTHING.STAFF]
subject = "x"
body = "y"
[inside.DECISION.STAFF]
subject = "x"
body = "y"
[inside.STARTED.STAFF]
subject = "Startat {day}"
body = "{provider}"
[inside.CHOICE.CLIENT]
body = "Ärende {id}"
[words.exit]
OWN_BUSINESS = 3
[lists.agenda]
KEEP_EB = []
"""
    found = faults_of(tmp_path, sv=broken, fr='language = "de"\nname = "x"')
    assert found == {
        "fr.toml: language": "must be the name of the file",
    }
    found = faults_of(tmp_path, sv=broken, fr='language = "fr"\nname = "x"')
    assert found["sv.toml: version"].startswith("required: letters")
    assert found["sv.toml: colour"] == "unknown key"
    assert found["sv.toml: nudge.message.subject"] == "holds a line break"
    assert found["sv.toml: nudge.message.body"] == "names 'namn', which there is not; there are: none"
    assert found["sv.toml: nudge.meeting.body"] == "names 'count!r', which there is not; there are: none"
    assert found["sv.toml: nudge.several.body"] == "names 'count.__class__', which there is not; there are: count"
    assert found["sv.toml: nudge.several.sms"] == "has a brace that is not closed, or one too many"
    assert found["sv.toml: frame.late"] == "holds a hidden character"
    assert found["sv.toml: inside.NOTHING"] == "unknown key"
    assert found["sv.toml: inside.DECISION.STAFF"] == "unknown key"
    assert found["sv.toml: inside.STARTED.STAFF.subject"] == "names 'day', which there is not; there are: none"
    assert "names 'provider'" in found["sv.toml: inside.STARTED.STAFF.body"]
    assert found["sv.toml: inside.CHOICE.CLIENT.body"] == "names 'id', which there is not; there are: none"
    assert found["sv.toml: words.exit.OWN_BUSINESS"] == "must be a text"
    assert found["sv.toml: lists.agenda.KEEP_EB"] == "required: a list of points"
    assert found["fr.toml: nudge.message"] == "required"
    assert found["fr.toml: direction"] == "must be ltr or rtl"
    own(tmp_path, sv='language = "sv"\nversion = "2"').joinpath("fr.toml").unlink()
    (tmp_path / "fr-CA.toml").write_text(POLISH.replace('"pl"', '"fr-CA"'), encoding="utf-8")
    files.read.cache_clear()
    assert faults_of(tmp_path) == {"fr-CA.toml: language": "must be a language code of ISO 639, such as sv"}


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("Nytt om AMI 2", "ami 2"),
        ("Nytt i Stöd och matchning", "Stöd och matchning"),
        ("Din anordnare har svarat", "anordnar"),
        ("Your provider has answered", "provider"),
        ("Ditt ekonomiska bi stånd", "bistånd"),
        ("Meddelande 4711", "a digit"),
        ("Logga in på www.stad.example", "an address"),
        ("Du har ett nytt uppstartsmöte", "uppstartsmöte"),
        ("Nytt: {assignment}", "names 'assignment'"),
        ("Nytt: {programme}", "names 'programme'"),
    ],
)
@pytest.mark.parametrize("where", ["nudge.message.subject", "nudge.message.sms", "frame.no_reply"])
def test_a_text_that_tries_to_say_something_on_an_open_channel_is_refused(
    where: str, text: str, because: str, tmp_path: Path
) -> None:
    table, _, key = where.rpartition(".")
    given = f'language = "en"\nversion = "2"\n[{table}]\n{key} = "{text}"\n'
    with pytest.raises(texts.TextFault) as raised:
        files.read(own(tmp_path, en=given))
    said = [message.casefold() for path, message in raised.value.faults if path == f"en.toml: {where}"]
    assert any(because.casefold() in one for one in said), raised.value.faults
    assert {path for path, _ in raised.value.faults} == {f"en.toml: {where}"}


def test_what_an_operator_forbids_is_forbidden_besides(tmp_path: Path) -> None:
    given = 'language = "sv"\nversion = "2"\n[open]\nnever = ["meddelande"]\n'
    found = faults_of(tmp_path, sv=given)
    assert "says 'meddelande'" in found["sv.toml: nudge.message.body"]
    given = 'language = "sv"\nversion = "2"\n[open]\nnever = []\n[nudge.message]\nsubject = "Om din insats"\n'
    assert "says 'insats'" in faults_of(tmp_path, sv=given)["sv.toml: nudge.message.subject"]


def test_a_text_message_that_is_too_long_for_what_is_stated_is_refused(tmp_path: Path) -> None:
    given = f'language = "sv"\nversion = "2"\n[nudge.message]\nsms = "{"a" * 75}"\n'
    found = faults_of(tmp_path, sv=given)
    assert found["sv.toml: nudge.message.sms"].startswith("takes 2 parts")
    assert files.read(own(tmp_path, sv=given.replace("a" * 75, "a" * 60) + "#")).languages


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "pl.toml").write_bytes(b"\xff\xfe")
    assert faults_of(tmp_path, fr="language =") == {
        "pl.toml": "cannot be read: UnicodeDecodeError",
        "fr.toml": "Invalid value (at end of document)",
    }


def test_no_service_starts_with_texts_that_are_wrong(tmp_path: Path) -> None:
    environ = {
        "KUNDVAL_AMQP_URI": "amqp://nobody:nothing@127.0.0.1:1//",
        "KUNDVAL_NOTIFICATIONS_DATABASE_URI": "postgresql://nobody@127.0.0.1:1/nothing",
        "KUNDVAL_TOKEN_KEY": "k" * 40,
        "KUNDVAL_TEXTS": str(own(tmp_path, sv='language = "sv"\nversion = "2"\n[nudge.message]\nbody = "Din insats"')),
    }
    wrong = [("sv.toml: nudge.message.body", "says 'insats', which an open channel must not")]
    assert list(faults(load("notifications", environ, more=SETTINGS))) == wrong
    environ["KUNDVAL_TEXTS"] = str(tmp_path / "nowhere")
    with pytest.raises(SettingsError, match="KUNDVAL_TEXTS: names no folder"):
        load("notifications", environ, more=SETTINGS)


# --- the command ---------------------------------------------------------------------------------------------------


def run(*words: str, **environ: str) -> Result:
    return CliRunner().invoke(command, words, env=environ)


def test_the_command_shows_a_notice_to_each_who_is_told_of_it() -> None:
    done = run("PROVIDER_DECLINED", "--lang", "en")
    assert done.exit_code == 0
    assert "You need to choose again" in done.output and "Assignment A-001: The provider has said no" in done.output
    page = run("PROVIDER_DECLINED", "--role", "CLIENT", "--channel", "EMAIL", "--lang", "ar", "--html")
    assert '<html lang="ar" dir="rtl">' in page.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name a KIND"),
        (("NOTHING",), "NOTHING"),
        (("PROVIDER_DECLINED", "--role", "CONTROLLER"), "PROVIDER_DECLINED is told to CLIENT, CAREER_GUIDE"),
    ],
)
def test_the_command_says_what_it_cannot_show(words: tuple[str, ...], said: str) -> None:
    done = run(*words)
    assert done.exit_code == 2 and said in done.output


def test_the_command_checks_texts_and_names_what_is_wrong(tmp_path: Path) -> None:
    assert run("--check").output == "nothing could be plainer\n"
    given = 'language = "sv"\nversion = "2"\n[nudge.message]\nbody = "Logga in, samt läs."\n'
    done = run("--check", KUNDVAL_TEXTS=str(own(tmp_path, sv=given)))
    assert (done.exit_code, done.output) == (
        1, "sv.toml: nudge.message.body: says 'samt', for which there is a plainer word\n"
    )  # fmt: skip
    (tmp_path / "broken").mkdir()
    done = run("DECISION", KUNDVAL_TEXTS=str(own(tmp_path / "broken", sv=given.replace("samt", "{"))))
    assert done.exit_code == 2
    assert "sv.toml: nudge.message.body: has a brace that is not closed, or one too many" in done.output
