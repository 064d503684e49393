"""Answers of the joint base service for financial assistance (SSBTEK): the employment service's part of them.

It comes as the agencies send it: elements that the schema requires may be missing, dates carry offsets, a name is
misspelt, the category is free text, and any agency may have answered with an error. What cannot be read is named in
`unread` and is None; what the answer says in words beyond that (`felmeddelande`, messages about activity reports) is
not taken: it may quote an identity number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import TypeVar

from ..codes import AfAgency, AfErrorSource, AfFault
from .categories import find
from .status import MOST, AgencyFault, Compensation, JobseekerStatus
from .xml import Element, day, day_after, everywhere, first, flag, name_of, parse, refusal, text, text_of
from .xml import percent as read_percent

T = TypeVar("T")

# --- reading -------------------------------------------------------------------------------------------

#: how the agencies' parts are called, without case
_AGENCIES: Mapping[str, AfAgency] = {
    "af": AfAgency.AF,
    "arbetsformedlingen": AfAgency.AF,
    "fk": AfAgency.FK,
    "forsakringskassan": AfAgency.FK,
    "csn": AfAgency.CSN,
    "pm": AfAgency.PM,
    "pensionsmyndigheten": AfAgency.PM,
    "skv": AfAgency.SKV,
    "skatteverket": AfAgency.SKV,
    "so": AfAgency.SO,
    "akassa": AfAgency.SO,
    "akassorna": AfAgency.SO,
    "sverigesakassor": AfAgency.SO,
}
#: what only the employment service's part holds
_ITS_OWN = ("ArbetssokandeInfo", "StatusSokandeinformationKod", "BeslutInfo", "Akassetillhorighet")
_NUMBERS = ("Personnummer", "PersonId", "Personidentitet", "PersonIdentitetsnummer")


def read_answer(data: bytes, *, as_of: date, number: str | None = None) -> JobseekerStatus:
    """The employment service's part of an answer. `number`: the identity number that was asked about.

    Raises InvalidRequest with a code of `AfFault`: what is no answer, holds no part of the employment service or its
    error, or names another person.
    """
    root = _body(parse(data))
    faults = _faults(root)
    part = _part(root)
    if part is None:
        if any(fault.agency is AfAgency.AF for fault in faults):
            raise refusal(AfFault.AF_FAILED, "The employment service has answered with an error")
        if not faults and first(root, "Svar") is None and name_of(root) != "svar":
            raise refusal(AfFault.NOT_AN_ANSWER, "The document is no answer of the joint base service")
        raise refusal(AfFault.NO_AF_PART, "The employment service has no part in the answer")
    _same_person(root, number)
    return _status(part, as_of, faults)


def number_in(data: bytes) -> str | None:
    """About whom an answer says that it is, if it does, as written. Raises as `parse`."""
    said = text(_body(parse(data)), *_NUMBERS)
    return None if said is None else said[:20]


def _body(root: Element) -> Element:
    """What a SOAP envelope holds; a document without one is what it is."""
    if name_of(root) != "envelope":
        return root
    body = first(root, "Body")
    if body is None or not len(body):
        raise refusal(AfFault.NOT_AN_ANSWER, "The SOAP envelope is empty")
    if name_of(body[0]) == "fault":
        raise refusal(AfFault.SOAP_FAULT, "The answer is a SOAP fault")
    return body[0]


def agency_of(element: Element) -> AfAgency:
    """Whose part of the answer an element stands in, by the nearest name around it."""
    for around in (element, *element.iterancestors()):
        name = re.sub(r"(svar|answer|response)$", "", name_of(around))
        if name in _AGENCIES:
            return _AGENCIES[name]
    return AfAgency.UNKNOWN


def _faults(root: Element) -> tuple[AgencyFault, ...]:
    found: list[AgencyFault] = []
    for one in everywhere(root, ("error", "fel")):
        if first(one, "felkod", "kalla") is None or len(found) == MOST:
            continue
        source = (text(one, "kalla") or "").upper()
        known = source in set(AfErrorSource)
        found.append(
            AgencyFault(
                agency_of(one),
                AfErrorSource(source) if known else AfErrorSource.UNKNOWN,
                _opaque(text(one, "felkod"), 40),
            )
        )
    return tuple(found)


def _part(root: Element) -> Element | None:
    """The employment service's part: what holds its own elements, and is not an error."""
    theirs = (AfAgency.AF, AfAgency.UNKNOWN)
    own = next((one for one in everywhere(root, _ITS_OWN) if agency_of(one) in theirs), None)
    if own is None:
        named = (one for one in everywhere(root, ("Svar",)) if agency_of(one) in theirs)
        return next((one for one in named if first(one, "Sekretessmarkering") is not None), None)
    for around in own.iterancestors():
        if name_of(around) == "svar" or _AGENCIES.get(name_of(around)) is AfAgency.AF:
            return around
    parent = own.getparent()
    return own if parent is None else parent


def _same_person(root: Element, number: str | None) -> None:
    """Whoever an answer is about by its own words is the one who was asked about."""
    if number is None:
        return
    asked = re.sub(r"\D", "", number)
    for one in everywhere(root, _NUMBERS):
        said = re.sub(r"\D", "", text_of(one) or "")
        if said and said[-10:] != asked[-10:]:
            raise refusal(AfFault.OTHER_PERSON, "The answer is about another person")


def _status(part: Element, as_of: date, faults: tuple[AgencyFault, ...]) -> JobseekerStatus:
    unread: list[str] = []

    def take(
        name: str, read: Callable[[str | None], T | None], said: str | None, *, required: bool = False
    ) -> T | None:
        found = read(said)
        if found is None and (required or said is not None):
            unread.append(name)
        return found

    info = first(part, "ArbetssokandeInfo")
    # misspelt in the schema; the right spelling comes too
    report = first(info, "AktivetetsRapportDatum", "AktivitetsRapportDatum", "AktivitetsrapportDatum")
    reported = text(report, "SenasteAktivitetsRapportDatum") or text(info, "SenasteAktivitetsRapportDatum")
    return JobseekerStatus(
        as_of=as_of,
        registered=take("registered", flag, text(info, "Arbetssokande"), required=True),
        registered_since=take("registered_since", day, text(info, "Registrerad")),
        deregistered_on=_deregistered(text(info, "Avaktualiserad"), unread),
        category=find(text(info, "ArbetssokandeSKAT"), as_of),
        extent_pct=take("extent_pct", read_percent, _own(info, "Omfattning")),
        activity_report_on=take("activity_report_on", day, reported),
        compensations=tuple(
            _compensation(one, unread) for one, _ in zip(everywhere(part, ("Beslut",)), range(MOST), strict=False)
        ),
        status_code=_opaque(text(part, "StatusSokandeinformationKod")),
        protected=take("protected", flag, text(part, "Sekretessmarkering"), required=True) or False,
        faults=faults,
        unread=tuple(dict.fromkeys(unread)),
    )


def _deregistered(said: str | None, unread: list[str]) -> date | None:
    """A day; a plain no means that there is none."""
    if said is None or flag(said) is False:
        return None
    found = day(said)
    if found is None:
        unread.append("deregistered_on")
    return found


def _compensation(element: Element, unread: list[str]) -> Compensation:
    since, to = day(text(element, "BeslutFrom")), day_after(text(element, "BeslutTom"))
    if since is None or (to is not None and to <= since):
        # a period that is none covers nothing
        unread.append("compensations")
        since = to = None
    return Compensation(_opaque(text(element, "ErsattningTyp")), read_percent(text(element, "Omfattning")), since, to)


def _own(info: Element | None, name: str) -> str | None:
    """What a direct child says: the same name stands further inside for something else."""
    if info is None:
        return None
    return next((text_of(one) for one in info if name_of(one) == name.lower()), None)


def _opaque(said: str | None, longest: int = 100) -> str | None:
    """A code of theirs as an id; None for what is no code, or could be a number of somebody."""
    code = re.sub(r"\s+", "_", said or "")
    fits = 0 < len(code) <= longest and re.fullmatch(r"[\w.:@/+-]+", code) and not re.search(r"\d{6}", code)
    return code if fits else None
