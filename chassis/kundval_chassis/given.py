"""What an operator has given for a setting: as text, or in a file of its own that ``<KEY>_FILE`` names.

A secret in the environment is inherited by every child, stands in ``/proc`` and in what a container engine shows of a
container; one in a file does not. So each setting can be given either way, and a password of an address (``…_URI``)
apart from it, as ``…_PASSWORD``, so that the address holds no secret.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

#: how the key of a file ends
SUFFIX = "_FILE"
#: the most bytes of such a file
LARGEST = 64 * 1024

_ADDRESS, _PASSWORD = "_URI", "_PASSWORD"


class Wrong(Exception):
    """What is given for `key` cannot be used. No message quotes it."""

    def __init__(self, key: str, message: str):
        super().__init__(message)
        self.key = key
        self.message = message


class Given:
    """Values by full key, as text. `files` says of which keys a file was read, `notes` what should be better."""

    def __init__(self, values: Mapping[str, str]):
        self._values = values
        self.files: dict[str, Path] = {}
        self.notes: list[tuple[str, str]] = []

    def find(self, *keys: str) -> tuple[str, str] | None:
        """The first of the keys for which there is something, and what; an empty text is nothing. Raises `Wrong`."""
        for key in keys:
            text = self._text(key)
            if text is not None:
                return key, text
        return None

    def find_address(self, *keys: str) -> tuple[str, str] | None:
        """As `find`, for keys of addresses, with the password that is given apart in it."""
        found = self.find(*keys)
        if found is None:
            return None
        apart = self.find(*(key.removesuffix(_ADDRESS) + _PASSWORD for key in keys))
        if apart is None:
            return found
        return found[0], with_password(*found, *apart)

    def _text(self, key: str) -> str | None:
        text, named = self._values.get(key) or None, self._values.get(key + SUFFIX)
        if not named:
            return text
        if text is not None:
            raise Wrong(key, f"is set, and so is {key}{SUFFIX}")
        path = Path(named)
        try:
            text = read(path)
            if path.stat().st_mode & stat.S_IROTH:
                self.notes.append((key + SUFFIX, "names a file that everybody on the machine can read"))
        except ValueError as error:
            raise Wrong(key + SUFFIX, str(error)) from None
        self.files[key] = path
        return text


def merged(environ: Mapping[str, str], stored: Mapping[str, str]) -> dict[str, str]:
    """Both; the environment wins, whether it gives a text or a file."""
    said = {key for key, value in environ.items() if value}
    ways = {key.removesuffix(SUFFIX) for key in said} | said | {key + SUFFIX for key in said}
    return {**{key: value for key, value in stored.items() if key not in ways}, **environ}


def read(path: Path) -> str:
    """The text in a file, without the end of its line. Raises ValueError."""
    try:
        if not path.is_file():
            raise ValueError("names no file")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except PermissionError:
        raise ValueError("names a file that the service may not read") from None
    except OSError as error:
        raise ValueError(f"names a file that cannot be read ({os.strerror(error.errno or 0)})") from None
    if len(content) > LARGEST:
        raise ValueError(f"names a file of more than {LARGEST} bytes")
    try:
        text = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError("names a file that is not text in UTF-8") from None
    if not text:
        raise ValueError("names an empty file")
    return text


def with_password(key: str, address: str, password_key: str, password: str) -> str:
    """An address with a password for its user, in each of those that stand with semicolons between. Raises `Wrong`."""
    made = []
    for one in address.split(";"):
        try:
            parts = urlsplit(one)
        except ValueError:
            raise Wrong(key, "is not an address") from None
        user, at, hosts = parts.netloc.rpartition("@")
        if not at or not user:
            raise Wrong(key, f"names no user, and {password_key} is set")
        if ":" in user:
            raise Wrong(key, f"holds a password, and {password_key} is set")
        made.append(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{hosts}").geturl())
    return ";".join(made)
