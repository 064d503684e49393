"""What the employment service hands over as files: the simple way, without SOAP.

    <folder>/inbox/{status,orders,decisions}/*.xml    whoever hands over puts them here
    <folder>/processed/…                              taken in
    <folder>/parked/…                                 not taken in, with the reason beside it: <name>.reason.json

A file is one command and so one transaction. It is moved afterwards; if that does not come to pass it is sent again
with the same key and has no effect twice. What cannot be sent now stays where it is. A file of a status bears the
name of the assignment that it is about, with anything after a `~`: `A-0001~march.xml`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Protocol

from kundval_contracts.af import decisions, documents, orders, ssbtek, status
from kundval_contracts.af.forms import Forms
from kundval_contracts.af.xml import LARGEST
from kundval_contracts.errors import KundvalError

KINDS = ("status", "orders", "decisions")
#: what whoever writes a file names it until it is whole
_UNFINISHED = (".part", ".tmp", ".half", ".filepart")
_DAY_SECONDS = 24 * 3600
#: bytes of a name, so that there is room for what is added to it
_LONGEST_NAME = 200


class Calls(Protocol):
    """Something that calls the suite, as `kundval_contracts.client.Client` does."""

    def call(self, method: str, /, *, idempotency_key: str | None = None, **request: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class How:
    """With what a file is handed on. `opens`: `basis` and `expires_on` of grounds; `status`: further fields."""

    tenant: str
    today: date
    forms: Forms
    opens: Mapping[str, Any]
    status: Mapping[str, Any]


class Busy(Exception):
    """Somebody else is taking in the files of this folder."""


def take_in(folder: Path, calls: Calls, how: How, *, keep_days: int, say: Callable[[str, str], None]) -> Counter[str]:
    """Take in what lies in the inbox, and let go of what was processed `keep_days` ago. Counts by what came of a file:
    `processed`, `parked`, `left`. `say(file, what)` is told of each, by its name and a code. Raises Busy, OSError.
    """
    for place in ("inbox", "processed", "parked"):
        for kind in KINDS:
            (folder / place / kind).mkdir(mode=0o700, parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    with _alone(folder):
        for kind in KINDS:
            for file in _waiting(folder / "inbox" / kind):
                what, code = _one(folder, kind, file, calls, how)
                counts[what] += 1
                say(f"{kind}/{_shown(file.name)}", what if code is None else f"{what} {code}")
        _clean(folder / "processed", keep_days)
    return counts


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Busy from None
        yield


def _waiting(inbox: Path) -> list[Path]:
    """Whole files, the oldest first. A link could name any file of the machine, so there are none."""
    found = [(file.lstat(), file) for file in inbox.iterdir() if not file.name.startswith(".")]
    whole = [one for one in found if stat.S_ISREG(one[0].st_mode) and one[1].suffix not in _UNFINISHED]
    return [file for _, file in sorted(whole, key=lambda one: (one[0].st_mtime_ns, one[1].name))]


def _one(folder: Path, kind: str, file: Path, calls: Calls, how: How) -> tuple[str, str | None]:
    """What came of a file, and its code. One that cannot be read or moved stays, and holds up none of the others."""
    try:
        return _handled(folder, kind, file, calls, how)
    except OSError as error:
        return "left", type(error).__name__


def _handled(folder: Path, kind: str, file: Path, calls: Calls, how: How) -> tuple[str, str | None]:
    try:
        content, key = _read(file, how.tenant, kind)
        parked = _SEND[kind](file, content, calls, how, key)
    except KundvalError as error:
        if error.transient or error.kind == "INTERNAL_ERROR":
            return "left", error.code
        _park(folder, kind, file, error.to_wire())
        return "parked", error.code
    if parked is not None:
        _park(folder, kind, file, {"code": parked, "message": "The order has a code that nobody here knows."})
        return "parked", parked
    _move(file, folder / "processed" / kind)
    return "processed", None


def _read(file: Path, tenant: str, kind: str) -> tuple[bytes, str]:
    """The content, and the key under which it is sent: the same until the file is moved or written anew."""
    # what has become a link, or a pipe, since the folder was listed is not followed, nor waited for
    with open(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as opened:
        content = opened.read(LARGEST + 1)
        changed = os.fstat(opened.fileno()).st_ctime_ns
    # a name is bytes, of whatever encoding
    parts = (tenant.encode(), kind.encode(), os.fsencode(file.name), b"%d" % changed, hashlib.sha256(content).digest())
    return content, f"af-file-{hashlib.sha256(bytes([31]).join(parts)).hexdigest()[:40]}"


def _shown(name: str) -> str:
    """A name on one line, and in any encoding."""
    return "".join(one if one.isprintable() else "?" for one in name)


# --- the kinds of file ---------------------------------------------------------------------------------


def _status(file: Path, content: bytes, calls: Calls, how: How, key: str) -> str | None:
    # about whom it is stands in it: whatever it says further is to be about the same
    number = ssbtek.number_in(content)
    found = ssbtek.read_answer(content, as_of=how.today, number=number)
    calls.call(
        "assignment.receive_af_status",
        idempotency_key=key,
        tenant=how.tenant,
        assignment=file.stem.partition("~")[0],
        identity_number=number,
        status=status.SCHEMA.dump(found),
        **how.status,
    )
    return None


def _orders(file: Path, content: bytes, calls: Calls, how: How, key: str) -> str | None:
    rows = [
        {"identity_number": number, "order": orders.SCHEMA.dump(one)}
        for number, one in documents.read_orders(content, how.forms)
    ]
    answer = calls.call(
        "assignment.receive_af_orders", idempotency_key=key, tenant=how.tenant, orders=rows, **how.opens
    )
    # kept and listed there; here too, to be sent again when the code is known
    return next((one["fault"] for one in answer["orders"] if one["fault"] is not None), None)


def _decisions(file: Path, content: bytes, calls: Calls, how: How, key: str) -> str | None:
    rows = [
        {"assignment": name, "decision": decisions.SCHEMA.dump(one)}
        for name, one in documents.read_decisions(content, how.forms)
    ]
    calls.call("assignment.receive_af_decisions", idempotency_key=key, tenant=how.tenant, decisions=rows, **how.opens)
    return None


_SEND: Mapping[str, Callable[[Path, bytes, Calls, How, str], str | None]] = {
    "status": _status,
    "orders": _orders,
    "decisions": _decisions,
}


# --- where files go ------------------------------------------------------------------------------------


def _park(folder: Path, kind: str, file: Path, reason: Mapping[str, Any]) -> None:
    """The reason first: no file lies there without."""
    target = _free(folder / "parked" / kind, file.name)
    note = target.with_name(f"{target.name}.reason.json")
    half = target.with_name(f".{target.name}.half")
    told = {**reason, "parked_at": datetime.now(UTC).isoformat(timespec="seconds")}
    half.write_text(json.dumps(told, ensure_ascii=False, indent=2), encoding="utf-8")
    os.replace(half, note)
    os.replace(file, target)


def _move(file: Path, folder: Path) -> None:
    target = _free(folder, file.name)
    os.replace(file, target)
    # how long it has been there is counted from now
    os.utime(target)


def _free(folder: Path, name: str) -> Path:
    """A name that nothing there has, cut if it is too long."""
    name = os.fsdecode(os.fsencode(name)[:_LONGEST_NAME])
    found, number = folder / name, 1
    while os.path.lexists(found):
        found = folder / f"{Path(name).stem}.{number}{Path(name).suffix}"
        number += 1
    return found


def _clean(processed: Path, days: int) -> None:
    """What a file says is held sealed, for its time: the file itself is not needed."""
    oldest = time.time() - days * _DAY_SECONDS
    for kind in KINDS:
        for file in (processed / kind).iterdir():
            found = file.lstat()
            if stat.S_ISREG(found.st_mode) and found.st_mtime <= oldest:
                file.unlink()


__all__ = ["KINDS", "Busy", "Calls", "How", "take_in"]
