"""E-mails as files, for development: ``<folder>/<tenant>/<parcel>.eml``."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from kundval_contracts.codes import DeliveryChannel

from .mail import Letterhead, compose
from .port import Accepted, Parcel, Unreachable


class Folder:
    """A parcel is one file, however often it is handed over."""

    channel = DeliveryChannel.EMAIL

    def __init__(self, folder: Path, letterhead: Letterhead):
        self._folder, self._letterhead = folder, letterhead

    def send(self, parcel: Parcel) -> Accepted:
        # lines end as they do in other files here
        mail = compose(parcel, self._letterhead).replace(b"\r\n", b"\n")
        file = self._folder / name(parcel.tenant) / f"{name(parcel.id)}.eml"
        # under a name of its own first: a reader never sees half a message
        half = file.with_name(f".{file.stem}.half")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            half.write_bytes(mail)
            os.replace(half, file)
        except OSError as error:
            raise Unreachable(type(error).__name__) from None
        return Accepted()

    def close(self) -> None:
        """Nothing is kept open."""


def name(id: str, longest: int = 120) -> str:
    """An id as name of a folder or file, which may hold fewer characters than an id.

    Two ids never get the same name: another character is written as its bytes (``=2F``), and so are dots that
    could lead out of the folder. What would be too long is a fingerprint.
    """
    found = "".join(
        char if char.isascii() and (char.isalnum() or char in "_-") else f"={byte:02X}"
        for char, byte in ((char, byte) for char in id for byte in char.encode())
    ).replace("=2E", ".")
    if found.startswith(".") or found.endswith(".") or ".." in found:
        found = found.replace(".", "=2E")
    return found if len(found) <= longest else f"=sha256={sha256(id.encode()).hexdigest()[:40]}"
