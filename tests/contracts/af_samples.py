"""Documents as the employment service sends them. Identity numbers are of the Tax Agency's published test list."""

from __future__ import annotations

from typing import Any

NUMBER = "199010102383"
OTHER_NUMBER = "201701012393"
#: stands in every text of an agency that quotes somebody
QUOTED = "19121212-1212 Testpersson"

INFO = {
    "Arbetssokande": "true",
    "ArbetssokandeSKAT": "11 - Öppet arbetslös",
    "Registrerad": "2023-11-18+01:00",
    "Omfattning": "75",
}


def info(report: str = "AktivetetsRapportDatum", **changes: str | None) -> str:
    """The part about the jobseeker; None leaves an element out."""
    parts = {**INFO, **changes}
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in parts.items() if value is not None)
    message = f"<AktivitetsRapportMeddelande>{QUOTED}</AktivitetsRapportMeddelande>"
    last = "<SenasteAktivitetsRapportDatum>2024-02-10+01:00</SenasteAktivitetsRapportDatum>"
    return f"<ArbetssokandeInfo>{inner}<{report}>{message}{last}</{report}></ArbetssokandeInfo>"


def decision(kind: str = "AKT", since: str = "2024-01-01+01:00", last: str = "2024-03-31+02:00") -> str:
    return (
        f"<Beslut><ErsattningTyp>{kind}</ErsattningTyp><Omfattning>100</Omfattning>"
        f"<BeslutFrom>{since}</BeslutFrom><BeslutTom>{last}</BeslutTom></Beslut>"
    )


def af(inner: str | None = None, *decisions: str, mark: str | None = "false") -> str:
    """The employment service's part."""
    protected = "" if mark is None else f"<Sekretessmarkering>{mark}</Sekretessmarkering>"
    beslut = f"<BeslutInfo><EkonomiskaBeslut>{''.join(decisions)}</EkonomiskaBeslut></BeslutInfo>" if decisions else ""
    return (
        f"<AF><Svar>{protected}{info() if inner is None else inner}{beslut}"
        "<Akassetillhorighet>Testkassan</Akassetillhorighet>"
        "<StatusSokandeinformationKod>0</StatusSokandeinformationKod></Svar></AF>"
    )


def failed(agency: str = "FK", source: str = "BT", code: str = "17") -> str:
    return (
        f"<{agency}><error><kalla>{source}</kalla><felkod>{code}</felkod>"
        f"<felmeddelande>{QUOTED}</felmeddelande></error></{agency}>"
    )


def answer(*parts: str, number: str | None = NUMBER, soap: bool = True) -> bytes:
    """A whole answer: the parts of agencies in an envelope."""
    about = "" if number is None else f"<Personnummer>{number}</Personnummer>"
    inner = f'<ns2:SSBTEKSvar xmlns:ns2="urn:example:ssbtek:11">{about}{"".join(parts or (af(),))}</ns2:SSBTEKSvar>'
    if soap:
        inner = (
            '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
            f"<soap:Body>{inner}</soap:Body></soap:Envelope>"
        )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{inner}'.encode()


FAULT = (
    b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Client</faultcode>'
    b"<faultstring>19121212-1212 Testpersson</faultstring></s:Fault></s:Body></s:Envelope>"
)

ORDER: dict[str, Any] = {
    "Prestationsreferens": "PR-77",
    "KANummer": "10012345",
    "Ordernummer": "900100",
    "BokningsId": "B-5",
    "Personnummer": NUMBER,
    "SokandeId": "S-4711",
    "Tjanstekod": "SOM",
    "Sparkod": "2",
    "Sprakstod": "so",
    "Deltagandegrad": "75 %",
    "BokadSFI": "15",
    "InsatsStart": "2024-03-04",
    "InsatsSlut": "2024-08-30",
    "OrderStart": "2024-03-04",
    "OrderSlut": "2024-06-01",
    "Diarienummer": "Af-2024/0012 3456",
    "Status": "DEFINITIV",
}


def order(**changes: Any) -> str:
    parts = {**ORDER, **changes}
    return f"<Delorder>{''.join(f'<{name}>{value}</{name}>' for name, value in parts.items() if value)}</Delorder>"


def orders(*parts: str) -> bytes:
    return f'<o:Order xmlns:o="urn:example:order">{"".join(parts)}</o:Order>'.encode()


SUBSIDY: dict[str, Any] = {
    "BeslutId": "LB-1",
    "ArendeId": "A-1",
    "Stodform": "OSA",
    "Beviljat": "Ja",
    "Beslutsdatum": "2024-05-02",
    "BeslutFrom": "2024-05-10",
    "BeslutTom": "2024-11-09",
}


def subsidy(**changes: Any) -> bytes:
    parts = {**SUBSIDY, **changes}
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in parts.items() if value)
    return f"<Svar><Stodbeslut>{inner}</Stodbeslut></Svar>".encode()
