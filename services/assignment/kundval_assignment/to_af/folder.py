"""To the employment service by files, as the simple alternative: something else carries them.

``<folder>/outbox/<number>.<tenant>.json`` is a message, ``{"headers": {…}, "tenant", "kind", "body": {…}}``; whoever
carries it away removes it. ``<folder>/inbox/*.json`` is what comes back, one file an answer, in the fields of
`assignment.af_feedback`. It is removed when it has taken effect; what cannot be used lies in ``<folder>/parked`` with
its reason beside it. A file is begun under a name that starts with a dot, so that nobody sees half of one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kundval_chassis import logs
from kundval_contracts.errors import InvalidRequest, KundvalError

from .port import Accepted, Parcel, Unreachable

#: bytes of an answer, and files that are taken in one go
LARGEST, MOST = 64 * 1024, 100
#: bytes of a name, so that there is room for what is added to it
_LONGEST_NAME = 200

log = logs.get(__name__)


class Folder:
    """A message is one file, however often it is handed over. Raises OSError if the folders cannot be made."""

    def __init__(self, folder: Path):
        self._outbox, self.inbox, self._parked = (folder / name for name in ("outbox", "inbox", "parked"))
        for one in (self._outbox, self.inbox, self._parked):
            one.mkdir(mode=0o700, parents=True, exist_ok=True)

    def send(self, parcel: Parcel) -> Accepted:
        what = {
            "headers": dict(parcel.headers),
            "tenant": parcel.tenant,
            "kind": parcel.kind.value,
            "body": dict(parcel.body),
        }
        try:
            _write(self._outbox / f"{parcel.dispatch}.{quote(parcel.tenant, safe='')}.json", what)
        except OSError as error:
            raise Unreachable(type(error).__name__) from None
        return Accepted()

    def take_in(self, effect: Callable[[Mapping[str, Any]], object]) -> int:
        """Have `effect` done with each answer, in a transaction of its own each; how many files went.

        An answer that `effect` refuses is parked. One for which it cannot be done now stays, and so do those after it.
        One that cannot be moved stays alone.
        """
        count = 0
        for file in self._files():
            wrong: KundvalError | None = None
            try:
                effect(_read(file))
            except KundvalError as error:
                if error.transient:
                    return count
                wrong = error
            try:
                self._put_away(file, wrong)
            except OSError as error:
                # it holds up neither the others nor what is to be sent
                log.warning("af_answer_stays", error=type(error).__name__)
            else:
                count += 1
        return count

    def close(self) -> None:
        """Nothing is kept open."""

    def _files(self) -> Iterator[Path]:
        try:
            names = sorted(one.name for one in os.scandir(self.inbox) if one.is_file(follow_symlinks=False))
        except OSError as error:
            log.warning("af_inbox_unreadable", error=type(error).__name__)
            return
        yield from (self.inbox / name for name in [n for n in names if n.endswith(".json") and n[0] != "."][:MOST])

    def _put_away(self, file: Path, wrong: KundvalError | None) -> None:
        """Remove an answer, or park it with the reason beside it, under a name that nothing there has."""
        if wrong is None:
            file.unlink(missing_ok=True)
            return
        log.warning("af_answer_parked", code=wrong.code)
        stem = os.fsdecode(os.fsencode(file.stem)[:_LONGEST_NAME])
        found, number = stem, 1
        while os.path.lexists(self._parked / f"{found}.json"):
            found, number = f"{stem}.{number}", number + 1
        _write(self._parked / f"{found}.reason.json", wrong.to_wire())
        os.replace(file, self._parked / f"{found}.json")


def _read(file: Path) -> Mapping[str, Any]:
    """The object in a file. Raises InvalidRequest."""
    try:
        # what has become a link, or a pipe, since the folder was listed is not followed, nor waited for
        with open(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as source:
            text = source.read(LARGEST + 1)
        found = json.loads(text) if len(text) <= LARGEST else None
    except (OSError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidRequest(faults=[{"path": "", "message": f"must be a JSON object of at most {LARGEST} bytes"}])
    return found


def _write(file: Path, what: Mapping[str, Any]) -> None:
    half = file.with_name(f".{file.name}.half")
    with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as target:
        json.dump(what, target, ensure_ascii=False, allow_nan=False)
        target.flush()
        os.fsync(target.fileno())
    os.replace(half, file)
