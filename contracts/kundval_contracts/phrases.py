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
        # the employment service's programmes
        "tariff.version": Phrase("tariff of {tariff}", "taxan från {tariff}"),
        "tariff.settings": Phrase("tariff in the settings", "taxan i inställningarna"),
        "tariff.file": Phrase("tariff of the programme", "insatsens taxa"),
        "som.base": Phrase(
            "Base compensation for period {number} of Stöd och matchning, {days} days, payable from {payable_from}.",
            "Grundersättning för period {number} i Stöd och matchning, {days} dagar, kan betalas från {payable_from}.",
        ),
        "som.base_shared": Phrase(
            "Base compensation for period {number} of Stöd och matchning, {days} weekdays with this supplier, payable "
            "from {payable_from}.",
            "Grundersättning för period {number} i Stöd och matchning, {days} vardagar hos leverantören, kan betalas "
            "från {payable_from}.",
        ),
        "som.base_exit": Phrase(
            "Base compensation for period {number} of Stöd och matchning up to the last day, {ended}: {days} days, "
            "payable from {payable_from}.",
            "Grundersättning för period {number} i Stöd och matchning till och med sista dagen, {ended}: {days} dagar, "
            "kan betalas från {payable_from}.",
        ),
        "som.premium": Phrase(
            "Speed premium: work or studies ended Stöd och matchning on {ended}, and {days} days of period {number} "
            "were left.",
            "Snabbhetspremie: arbete eller studier avslutade Stöd och matchning {ended}, och {days} dagar av period "
            "{number} återstod.",
        ),
        "step.som_days": Phrase(
            "{days} days at {rate} a day in {track}, {tariff} ({source})",
            "{days} dagar à {rate} i {track}, {tariff} ({source})",
        ),
        "step.som_left": Phrase(
            "{left} days, {worth} less {paid} paid as base, at {rate} a day in {track}, {tariff} ({source})",
            "{left} dagar, {worth} minus {paid} betalda som grund, à {rate} i {track}, {tariff} ({source})",
        ),
        "rum.base": Phrase(
            "Base compensation for month {number} of Rusta och matcha, payable from {payable_from}.",
            "Grundersättning för månad {number} i Rusta och matcha, kan betalas från {payable_from}.",
        ),
        "rum.premium": Phrase(
            "Speed premium: work or studies ended Rusta och matcha on {ended}.",
            "Snabbhetspremie: arbete eller studier avslutade Rusta och matcha {ended}.",
        ),
        "rum.premium_held": Phrase(
            "Speed premium: work or studies ended Rusta och matcha on {ended}; payable from {settle} if they last.",
            "Snabbhetspremie: arbete eller studier avslutade Rusta och matcha {ended}; kan betalas från {settle} om "
            "det varar.",
        ),
        "rum.premium_broken_off": Phrase(
            "Work or studies were broken off on {broken_off}, before {settle}, so there is no speed premium.",
            "Arbetet eller studierna avbröts {broken_off}, före {settle}, så det blir ingen snabbhetspremie.",
        ),
        "step.rum_rate": Phrase(
            "day rate of {level}, model {model}, {tariff} ({source})",
            "dagersättning för {level}, modell {model}, {tariff} ({source})",
        ),
        "step.rum_days": Phrase("{days} days a month", "{days} dagar i månaden"),
        "step.rum_months": Phrase("{months} monthly amounts", "{months} månadsbelopp"),
        "result.reported": Phrase(
            "Result compensation {number}, as it was reported, payable from {payable_from}.",
            "Resultatersättning {number}, enligt rapporten, kan betalas från {payable_from}.",
        ),
        "step.result": Phrase("result as reported ({source})", "resultat enligt rapporten ({source})"),
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
        "claim.overlap": Phrase(
            "The same person's bonus is claimed in another assignment for the same time or work, so a person decides.",
            "Samma persons bonus begärs i ett annat ärende för samma tid eller arbete, så en handläggare avgör.",
        ),
        "bonus.other_length": Phrase(
            "The intervention has another length than the tiers are made for, so a person decides.",
            "Insatsen har en annan längd än den som nivåerna är gjorda för, så en handläggare avgör.",
        ),
        # what a line of a document is for
        "item": Phrase("{kind}, {programme}, no. {number}", "{kind}, {programme}, nr {number}"),
        "item.unknown_programme": Phrase("{kind}, no. {number}", "{kind}, nr {number}"),
        "item.MONTHLY_FEE": Phrase("Monthly fee", "Månadsersättning"),
        "item.SPEED_PREMIUM": Phrase("Speed premium", "Snabbhetspremie"),
        "item.RESULT_BONUS": Phrase("Result bonus", "Resultatbonus"),
        "item.BASE": Phrase("Base compensation", "Grundersättning"),
        "item.RESULT": Phrase("Result compensation", "Resultatersättning"),
        "item.SOM_SPEED_PREMIUM": Phrase("Speed premium of the period", "Snabbhetspremie för perioden"),
        "item.RUM_SPEED_PREMIUM": Phrase("Speed premium of six months", "Snabbhetspremie för sex månader"),
        # what had to hold, in an explanation
        "condition.ran": Phrase(
            "The intervention ran on at least one day of the month.", "Insatsen pågick minst en dag i månaden."
        ),
        "condition.qualifies": Phrase(
            "The exit is of a kind that can lead to premium and bonus.",
            "Avslutet är av ett slag som kan ge premie och bonus.",
        ),
        "condition.in_time": Phrase(
            "The exit came before the end of the intervention.", "Avslutet kom före insatsens slut."
        ),
        "condition.goes_on": Phrase(
            "Nothing that is known stops the premium of this month.",
            "Inget som är känt stoppar premien för månaden.",
        ),
        "condition.approved": Phrase(
            "Nothing waits for a person's approval, and none was refused.",
            "Inget väntar på en handläggares godkännande, och inget har nekats.",
        ),
        "condition.month_over": Phrase("The month is over.", "Månaden är slut."),
        "condition.documents": Phrase(
            "The documents of the exit are complete.", "Handlingarna till avslutet är kompletta."
        ),
        "condition.hourly": Phrase(
            "An hourly employment, if it is one, is shown to last six months.",
            "En timanställning, om det är en sådan, är visad för sex månader.",
        ),
        "condition.followed_up": Phrase(
            "The follow-up of the month confirms that it goes on.",
            "Uppföljningen av månaden bekräftar att arbetet eller studierna fortsätter.",
        ),
        "condition.unbroken": Phrase(
            "No break-off within the six months is known.", "Inget avbrott inom de sex månaderna är känt."
        ),
        "condition.unassisted": Phrase(
            "The rule of no financial assistance within the six months is kept, as far as is known.",
            "Regeln om inget ekonomiskt bistånd inom de sex månaderna är uppfylld, så vitt det är känt.",
        ),
        "condition.same_place": Phrase(
            "No change of workplace or studies forfeits the bonus.",
            "Inget byte av arbetsplats eller studier gör att bonusen går förlorad.",
        ),
        "condition.not_denied": Phrase(
            "No claim says that the six months did not hold.", "Ingen begäran säger att de sex månaderna inte höll."
        ),
        "condition.claim_in_time": Phrase(
            "The last day for a claim, if there is one, was not missed.",
            "Sista dagen för begäran, om det finns en sådan, är inte försutten.",
        ),
        "condition.not_refused": Phrase("The municipality has not refused it.", "Kommunen har inte avslagit den."),
        "condition.only_one": Phrase(
            "It is the one bonus of the intervention.", "Det är den enda bonusen för insatsen."
        ),
        "condition.six_months": Phrase("Six months have passed.", "Sex månader har gått."),
        "condition.claimed": Phrase(
            "The provider has claimed the bonus with its certificate.",
            "Leverantören har begärt bonusen med sitt intyg.",
        ),
        "condition.day": Phrase("It can be paid from {payable_from}.", "Kan betalas från {payable_from}."),
        "condition.status": Phrase("Nothing stands against paying it.", "Inget står emot betalningen."),
        # what stands out and is worth a look
        "control.same_workplace": Phrase(
            "{count} of the {n} bonuses of {provider} ({share} per cent) are for work at one and the same "
            "workplace; with the other providers the most common workplace has {expected} per cent. Look at the "
            "employment certificates, and at whether provider and employer are connected.",
            "{count} av de {n} bonusarna till {provider} ({share} procent) gäller arbete på en och samma "
            "arbetsplats; hos de andra anordnarna står den vanligaste arbetsplatsen för {expected} procent. Se på "
            "anställningsintygen och på om anordnare och arbetsgivare hör ihop.",
        ),
        "control.exit_before_limit": Phrase(
            "{count} of {n} exits of {provider} near the end of month {limit} ({share} per cent) were just before "
            "it, where the bonus is higher. Without regard to the limit about half would be. Look at when the work "
            "began and when the exit was reported.",
            "{count} av {n} avslut hos {provider} kring slutet av månad {limit} ({share} procent) låg strax före, "
            "där bonusen är högre. Utan hänsyn till gränsen skulle det vara ungefär hälften. Se på när arbetet "
            "började och när avslutet rapporterades.",
        ),
        "control.exit_before_limit.all": Phrase(
            "{count} of {n} exits near the end of month {limit} ({share} per cent) were just before it, where the "
            "bonus is higher; this is so in general and not with one provider. Look at what the limit itself brings "
            "about.",
            "{count} av {n} avslut kring slutet av månad {limit} ({share} procent) låg strax före, där bonusen är "
            "högre; så är det i allmänhet och inte hos en viss anordnare. Se på vad gränsen i sig leder till.",
        ),
        "control.exit_before_end": Phrase(
            "{count} of {n} late exits of {provider} ({share} per cent) were in the very last days before the end, "
            "after which there is no bonus. Look at when the work began and when the exit was reported.",
            "{count} av {n} sena avslut hos {provider} ({share} procent) låg de allra sista dagarna före slutet, då "
            "ingen bonus längre ges. Se på när arbetet började och när avslutet rapporterades.",
        ),
        "control.exit_before_end.all": Phrase(
            "{count} of {n} late exits ({share} per cent) were in the very last days before the end, after which "
            "there is no bonus; this is so in general and not with one provider.",
            "{count} av {n} sena avslut ({share} procent) låg de allra sista dagarna före slutet, då ingen bonus "
            "längre ges; så är det i allmänhet och inte hos en viss anordnare.",
        ),
        "control.break_off_after_settle": Phrase(
            "{count} of {n} break-offs near the six months with {provider} ({share} per cent) came just after them, "
            "when the bonus is no longer at stake. Look at whether the work was made to last until then.",
            "{count} av {n} avbrott kring sexmånadersdagen hos {provider} ({share} procent) kom strax efter den, då "
            "bonusen inte längre står på spel. Se på om arbetet var avsett att vara bara så länge.",
        ),
        "control.break_off_after_settle.all": Phrase(
            "{count} of {n} break-offs near the six months ({share} per cent) came just after them; this is so in "
            "general and not with one provider.",
            "{count} av {n} avbrott kring sexmånadersdagen ({share} procent) kom strax efter den; så är det i "
            "allmänhet och inte hos en viss anordnare.",
        ),
        "control.evidence_reused": Phrase(
            "The same file is evidence in {count} assignments that {provider} has to do with. It may be one form "
            "for all, or one person with two assignments. Look at the documents.",
            "Samma fil är underlag i {count} uppdrag som {provider} har att göra med. Det kan vara en gemensam "
            "blankett eller en person med två uppdrag. Se på handlingarna.",
        ),
        "control.duplicate_claims": Phrase(
            "Bonus claims of one person in {count} assignments that {provider} has to do with may be about the same "
            "thing. Look at both claims before the second is paid.",
            "Bonusbegäran för samma person i {count} uppdrag som {provider} har att göra med kan gälla samma sak. "
            "Se på båda innan den andra betalas.",
        ),
        "control.premium_without_follow_up": Phrase(
            "{count} of {n} months of speed premium that {provider} has been paid have no follow-up now. It may "
            "have been withdrawn after the payment, or not be asked for by setting. Look at the months.",
            "{count} av {n} månader med snabbhetspremie som {provider} har fått betalt för saknar nu uppföljning. "
            "Den kan ha tagits tillbaka efter betalningen, eller inte krävas enligt inställningarna. Se på "
            "månaderna.",
        ),
        "control.follow_ups_at_once": Phrase(
            "In {count} of {n} assignments ({share} per cent) {provider} reported the follow-ups of many months on "
            "one day; with the other providers {expected} per cent. Look at whether each month was followed up.",
            "I {count} av {n} uppdrag ({share} procent) rapporterade {provider} uppföljningen av många månader på "
            "en dag; hos de andra anordnarna {expected} procent. Se på om varje månad har följts upp.",
        ),
        "control.follow_ups_late": Phrase(
            "{count} of {n} follow-ups of {provider} ({share} per cent) came long after their month; with the other "
            "providers {expected} per cent.",
            "{count} av {n} uppföljningar från {provider} ({share} procent) kom långt efter sin månad; hos de andra "
            "anordnarna {expected} procent.",
        ),
        "control.manual_decisions": Phrase(
            "A person decided about {count} of {n} exits of {provider} ({share} per cent); with the other providers "
            "{expected} per cent. Look at the grounds, and at who decided.",
            "En handläggare avgjorde {count} av {n} avslut hos {provider} ({share} procent); hos de andra "
            "anordnarna {expected} procent. Se på skälen och på vem som beslutade.",
        ),
        "control.boundary_cases": Phrase(
            "{count} of {n} exits of {provider} ({share} per cent) are on the boundary between ninety days and "
            "three months; with the other providers {expected} per cent.",
            "{count} av {n} avslut hos {provider} ({share} procent) ligger på gränsen mellan nittio dagar och tre "
            "månader; hos de andra anordnarna {expected} procent.",
        ),
        "control.corrections": Phrase(
            "{count} of {n} payments to {provider} ({share} per cent) were taken back; with the other providers "
            "{expected} per cent. Look at what was reported late or wrongly.",
            "{count} av {n} betalningar till {provider} ({share} procent) återtogs; hos de andra anordnarna "
            "{expected} procent. Se på vad som rapporterades sent eller fel.",
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
