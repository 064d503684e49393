"""The sentences in which money explains itself, by code, in Swedish and English.

Pure cores say a sentence by its code and values (`say`), so that a line or a posting can be told in either language,
also years after it was posted. A code stays for ever: what was posted names it. A placeholder is the name of a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from .answer import Said, Step

LANGUAGES = ("sv", "en")


class Phrase(NamedTuple):
    """A sentence in both languages; both have the same placeholders."""

    en: str
    sv: str


#: Every sentence by its code.
PHRASES: Mapping[str, Phrase] = MappingProxyType(
    {
        # whether an exit qualifies
        "exit.other_programme": Phrase(
            "Only AMI 1 and AMI 2 have a result bonus.", "Bara AMI 1 och AMI 2 har resultatbonus."
        ),
        "exit.kind": Phrase(
            "An exit of kind {kind} does not qualify for a bonus.",
            "Ett avslut av slaget {kind} ger inte rätt till bonus.",
        ),
        "exit.business_no": Phrase(
            "Own business does not qualify in this programme (AMB-18).",
            "Eget företag ger inte rätt till bonus i den här insatsen (AMB-18).",
        ),
        "exit.business": Phrase("Own business qualifies.", "Eget företag ger rätt till bonus."),
        "exit.extent": Phrase(
            "{extent} per cent is not what {kind} asks for ({low} to {high}).",
            "{extent} procent är inte vad {kind} kräver ({low} till {high}).",
        ),
        "exit.no_study_support": Phrase(
            "The studies do not give right to study grant and loan.",
            "Studierna ger inte rätt till studiebidrag och studielån.",
        ),
        "exit.no_household_income": Phrase(
            "Part-time studies qualify only with income in the household.",
            "Deltidsstudier ger rätt till bonus bara om hushållet har inkomst.",
        ),
        "exit.studies": Phrase("The studies qualify.", "Studierna ger rätt till bonus."),
        "exit.form": Phrase(
            "Employment of form {form} does not count here.", "Anställningsformen {form} räknas inte här."
        ),
        "exit.contract": Phrase(
            "The contract ends {until}, before six months ({needed}).",
            "Avtalet slutar {until}, innan sex månader har gått ({needed}).",
        ),
        "exit.work": Phrase("The work qualifies.", "Arbetet ger rätt till bonus."),
        # ordinary months
        "fee.month": Phrase(
            "Monthly fee for month {number}, in which the intervention was running, payable from {payable_from}.",
            "Månadsersättning för månad {number}, då insatsen pågick, kan betalas från {payable_from}.",
        ),
        "fee.exit_month": Phrase(
            "Monthly fee for month {number}, in which the intervention ended on {ended}, payable from {payable_from}.",
            "Månadsersättning för månad {number}, då insatsen avslutades {ended}, kan betalas från {payable_from}.",
        ),
        "fee.jobbpeng": Phrase(
            "Jobbpeng for month {number} from the start-up meeting, payable from {payable_from}.",
            "Jobbpeng för månad {number} från uppstartsmötet, kan betalas från {payable_from}.",
        ),
        "step.fee": Phrase(
            "one monthly fee of {programme}, tariff of {tariff}, locked on {decided}",
            "en månadsersättning för {programme} enligt taxan från {tariff}, låst {decided}",
        ),
        "step.fee_settings": Phrase(
            "one monthly fee of {programme}, tariff in the settings, locked on {decided}",
            "en månadsersättning för {programme} enligt taxan i inställningarna, låst {decided}",
        ),
        "step.days_to_exit": Phrase(
            "{days} of {month_days} days, up to the exit", "{days} av {month_days} dagar, till och med avslutet"
        ),
        "step.days_to_break_off": Phrase(
            "{days} of {month_days} days, up to the break-off", "{days} av {month_days} dagar, fram till avbrottet"
        ),
        "step.days_in_charge": Phrase(
            "{days} of {total} days in charge", "{days} av {total} dagar som ansvarig leverantör"
        ),
        "step.less_earlier_provider": Phrase(
            "less what went to the provider in charge before", "minus det som gick till den tidigare leverantören"
        ),
        "step.less_ordinary_part": Phrase(
            "less the ordinary part of the month, up to the exit",
            "minus månadens ordinarie del, till och med avslutet",
        ),
        "step.not_paid": Phrase("not paid: {status}", "betalas inte: {status}"),
        "step.posted": Phrase("posted on {run}", "bokfört {run}"),
        "step.taken_back": Phrase("taken back in full", "återtas helt"),
        "posting.taken_back": Phrase("Taken back in full. {why}", "Återtas helt. {why}"),
        "posting.not_due": Phrase(
            "By what is known now this is not due to this provider.",
            "Enligt det som nu är känt ska detta inte betalas till leverantören.",
        ),
        # speed premium
        "premium.unsustained": Phrase(
            "The six months were not sustained, so the whole speed premium of this exit is taken back.",
            "De sex månaderna höll inte, så hela snabbhetspremien för avslutet återtas.",
        ),
        "premium.broken_off": Phrase(
            "Work or studies were broken off on {broken_off}, so the speed premium of this month is stopped.",
            "Arbetet eller studierna avbröts {broken_off}, så snabbhetspremien för månaden stoppas.",
        ),
        "premium.planned": Phrase(
            "Speed premium for month {number}, payable after the month when the follow-up confirms it.",
            "Snabbhetspremie för månad {number}, kan betalas efter månaden när uppföljningen bekräftar den.",
        ),
        "premium.confirmed": Phrase(
            "Speed premium for month {number}: the exit qualifies and the follow-up confirms that it goes on.",
            "Snabbhetspremie för månad {number}: avslutet ger rätt till den och uppföljningen bekräftar det.",
        ),
        "premium.approval_needed": Phrase(
            "A person must approve this kind of exit first.", "En handläggare måste först godkänna avslutet."
        ),
        "premium.not_approved": Phrase(
            "The municipality has not approved this exit.", "Kommunen har inte godkänt avslutet."
        ),
        "premium.documents": Phrase(
            "Documents of the exit are missing: {documents}.", "Handlingar till avslutet saknas: {documents}."
        ),
        "premium.hourly": Phrase(
            "The hourly employment is not yet shown to last six months.",
            "Det är ännu inte visat att timanställningen varar i sex månader.",
        ),
        "premium.not_confirmed": Phrase(
            "The follow-up of month {number} does not confirm that work or studies go on.",
            "Uppföljningen av månad {number} bekräftar inte att arbetet eller studierna fortsätter.",
        ),
        "premium.forfeited": Phrase(
            "The follow-up of month {number} was not reported in time, so the month is forfeited.",
            "Uppföljningen av månad {number} rapporterades inte i tid, så månaden är förverkad.",
        ),
        "premium.no_report": Phrase(
            "The follow-up of month {number} has not been reported yet.",
            "Uppföljningen av månad {number} har inte rapporterats än.",
        ),
        # result bonus
        "step.bonus_ami_1": Phrase("result bonus of {programme}", "resultatbonus för {programme}"),
        "step.bonus_ceiling": Phrase("no more than the highest bonus", "högst den högsta bonusen"),
        "step.bonus_highest": Phrase("highest result bonus", "högsta resultatbonus"),
        "step.bonus_share": Phrase(
            "share for an exit in months {low} to {high} (exit in month {month})",
            "andel för avslut i månad {low} till {high} (avslut i månad {month})",
        ),
        "bonus.another": Phrase(
            "There is one bonus for an intervention, and another exit has it.",
            "Det finns en bonus per insats, och ett annat avslut har den.",
        ),
        "bonus.planned": Phrase(
            "Result bonus, payable from {settle} if the six months hold and the provider certifies them.",
            "Resultatbonus, kan betalas från {settle} om de sex månaderna håller och leverantören intygar det.",
        ),
        "bonus.refused_by_municipality": Phrase("Refused by the municipality. {why}", "Avslaget av kommunen. {why}"),
        "bonus.refused": Phrase("The municipality has refused the bonus.", "Kommunen har avslagit bonusen."),
        "bonus.due": Phrase(
            "Result bonus: the six months held until {settle} and the provider has certified them.",
            "Resultatbonus: de sex månaderna höll till {settle} och leverantören har intygat det.",
        ),
        "bonus.late": Phrase(
            "The exit on {day} was not before the end of the intervention ({end}).",
            "Avslutet {day} var inte före insatsens slut ({end}).",
        ),
        "bonus.broken_off": Phrase(
            "Work or studies were broken off on {broken_off}, before {settle}.",
            "Arbetet eller studierna avbröts {broken_off}, före {settle}.",
        ),
        "bonus.assisted": Phrase(
            "The six months were not free of financial assistance.",
            "De sex månaderna var inte fria från ekonomiskt bistånd.",
        ),
        "bonus.moved": Phrase(
            "The client did not stay with the same workplace or studies for six months.",
            "Klienten var inte kvar på samma arbetsplats eller i samma studier i sex månader.",
        ),
        "bonus.gap": Phrase(
            "There was a gap between two workplaces within the six months.",
            "Det var ett uppehåll mellan två arbetsplatser inom de sex månaderna.",
        ),
        "bonus.not_certified": Phrase(
            "The provider did not certify that the six months held.",
            "Leverantören intygade inte att de sex månaderna höll.",
        ),
        "bonus.expired": Phrase("The bonus was not claimed by {deadline}.", "Bonusen begärdes inte senast {deadline}."),
        "bonus.unclaimed": Phrase(
            "The provider has not yet claimed the bonus with a certificate for the six months.",
            "Leverantören har ännu inte begärt bonusen med intyg för de sex månaderna.",
        ),
        "bonus.documents": Phrase("Documents are missing: {documents}.", "Handlingar saknas: {documents}."),
        "bonus.hourly": Phrase(
            "Proof is missing that the hourly employment covered six months.",
            "Det saknas underlag för att timanställningen varade i sex månader.",
        ),
        "bonus.boundary": Phrase(
            "Ninety days and three months disagree on whether the exit was in time, so a person decides.",
            "Nittio dagar och tre månader ger olika svar på om avslutet var i tid, så en handläggare avgör.",
        ),
        "bonus.approval_needed": Phrase(
            "A person must approve the bonus for this kind of exit.",
            "En handläggare måste godkänna bonusen för den här sortens avslut.",
        ),
        "bonus.later_start": Phrase(
            "Work or studies began on {first_day}, after the exit, so a person decides.",
            "Arbetet eller studierna började {first_day}, efter avslutet, så en handläggare avgör.",
        ),
        "bonus.changed_workplace": Phrase(
            "The client changed workplace without a gap within the six months, so a person decides.",
            "Klienten bytte arbetsplats utan uppehåll inom de sex månaderna, så en handläggare avgör.",
        ),
        "bonus.other_length": Phrase(
            "The intervention has another length than the tiers are made for, so a person decides.",
            "Insatsen har en annan längd än den som nivåerna är gjorda för, så en handläggare avgör.",
        ),
    }
)


def say(code: str, **values: Any) -> Said:
    """A sentence of the table. Dates, amounts and codes become strings; a `Said` among the values is said within.

    Raises KeyError for a code that there is not.
    """
    PHRASES[code]
    said = {}
    for name, value in values.items():
        if isinstance(value, Said):
            said[name] = value.code
            said.update({f"{name}.{key}": inner for key, inner in value.values.items()})
        else:
            said[name] = value.isoformat() if isinstance(value, date) else str(value)
    return Said(code, said)


def text(said: Said, lang: str = "en") -> str:
    """The sentence in a language ("sv" or "en"). Raises KeyError for a code or value that is missing."""
    phrase = PHRASES[said.code]
    values = dict(said.values)
    for name, value in said.values.items():
        if value in PHRASES:
            inside = {key[len(name) + 1 :]: one for key, one in said.values.items() if key.startswith(f"{name}.")}
            values[name] = text(Said(value, inside), lang)
    return getattr(phrase, lang).format_map(values)


def step(
    code: str,
    amount: Decimal | None = None,
    factor: Decimal | None = None,
    divisor: Decimal | None = None,
    *,
    facts: tuple[str, ...] = (),
    **values: Any,
) -> Step:
    """A step of a derivation with a text of the table."""
    said = say(code, **values)
    return Step(text(said), amount, factor, divisor, said, facts)
