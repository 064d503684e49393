"""Settings of the assignment service beside those that every service has."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kundval_chassis.settings import Setting, file, folder, number, text, uri
from kundval_chassis.web import trusting
from kundval_contracts.af.forms import load
from kundval_contracts.codes import AfEnvironment

from .af_in import terms
from .people.keys import PersonKeys
from .reports.scanner import of


def scanner(value: str) -> str:
    """The address of a virus scanner, as `kundval_assignment.reports.scanner` describes it."""
    address = uri("clamd")(value)
    try:
        of(address)
    except ValueError:
        raise ValueError("names no port") from None
    return address


def person_keys(value: str) -> str:
    """Keys for persons, as `kundval_assignment.people.keys` describes them."""
    PersonKeys(value)
    return value


def _terms(value: str) -> Path:
    """A file of `kundval_assignment.af_in.terms`."""
    terms.read(file(value))
    return Path(value)


def _codes(value: str) -> Path:
    """A file of `kundval_contracts.af.forms`."""
    load(file(value))
    return Path(value)


def _environment(value: str) -> AfEnvironment:
    try:
        return AfEnvironment(value)
    except ValueError:
        raise ValueError(f"must be one of: {', '.join(AfEnvironment)}") from None


SETTINGS = (
    Setting(
        "PERSON_KEYS",
        person_keys,
        help="keys that seal what says who a person is, the first one sealing; 32 characters at least",
    ),
    Setting(
        "SCANNER", scanner, None, "virus scanner that looks at documents before they are stored: clamd://host:port"
    ),
    # messages to the employment service: by HTTPS, or as files
    Setting("TO_AF_URL", uri("https"), None, "where the employment service takes messages"),
    Setting("TO_AF_CERTIFICATE", file, None, "certificate that is shown to it (PEM)"),
    Setting("TO_AF_KEY", file, None, "its key (PEM)"),
    Setting("TO_AF_AUTHORITY", file, None, "certificates that are trusted there beside the system's (PEM)"),
    Setting("TO_AF_DIR", folder, None, "folder that gets them as files instead, and their answers"),
    Setting("TO_AF_SYSTEM", text, None, "as which system we speak: an id that the employment service has given"),
    Setting("TO_AF_ENVIRONMENT", _environment, AfEnvironment.T1, f"which of its own: {', '.join(AfEnvironment)}"),
    # the joint base service for financial assistance (SSBTEK), and the employment service's own codes
    Setting("AF_SSBTEK_URL", uri("https"), None, "where the joint base service is asked for the status of jobseekers"),
    Setting("AF_SSBTEK_CERTIFICATE", file, None, "certificate that is shown to it (PEM)"),
    Setting("AF_SSBTEK_KEY", file, None, "its key (PEM), if it is not in the same file"),
    Setting("AF_SSBTEK_AUTHORITY", file, None, "certificates that are trusted there beside the system's (PEM)"),
    Setting("AF_SSBTEK_TERMS", _terms, None, "as whom and for what it is asked (TOML)"),
    Setting("AF_SSBTEK_SECONDS", number(1, 120), 20, "how long a question to it may take"),
    Setting("AF_CODES", _codes, None, "element names and codes of orders and decisions that go over ours (TOML)"),
)


def faults(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What does not fit together, as ``(key, message)``: what is half configured must not look like all of it.

    values: all settings of the service, by name without prefix.
    """
    yield from _ssbtek(values)
    yield from _to_af(values)


def _ssbtek(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    names = [f"AF_SSBTEK_{name}" for name in ("URL", "CERTIFICATE", "TERMS")]
    missing = [name for name in names if values[name] is None]
    if missing:
        if len(missing) < len(names):
            for name in missing:
                yield f"KUNDVAL_{name}", "is not set, and others of the joint base service are"
        return
    try:
        trusting(values["AF_SSBTEK_AUTHORITY"], values["AF_SSBTEK_CERTIFICATE"], values["AF_SSBTEK_KEY"])
    except (OSError, ssl.SSLError):
        yield "KUNDVAL_AF_SSBTEK_CERTIFICATE", "and its key and authority name files that are of no use together"


def _to_af(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    web, files = values["TO_AF_URL"] is not None, values["TO_AF_DIR"] is not None
    if web and files:
        yield "KUNDVAL_TO_AF_DIR", "is set, and so is KUNDVAL_TO_AF_URL: messages go one way"
    if (web or files) and values["TO_AF_SYSTEM"] is None:
        yield "KUNDVAL_TO_AF_SYSTEM", "is not set, and messages to the employment service are sent"
    missing = [name for name in ("TO_AF_CERTIFICATE", "TO_AF_KEY") if values[name] is None]
    if web and missing:
        for name in missing:
            yield f"KUNDVAL_{name}", "is not set, and KUNDVAL_TO_AF_URL is"
    elif web:
        try:
            trusting(values["TO_AF_AUTHORITY"], values["TO_AF_CERTIFICATE"], values["TO_AF_KEY"])
        except (OSError, ssl.SSLError):
            yield "KUNDVAL_TO_AF_CERTIFICATE", "and its key and authority name files that are of no use together"
