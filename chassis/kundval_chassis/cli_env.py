"""Where the command line finds its settings when nobody has exported any."""

from __future__ import annotations

import os
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import NoReturn

import click

#: what eventlet says of itself at every import, in every program; decided, see docs/decisions
NOISE = "(?s).*Eventlet is (deprecated|now in maintenance)"
LOCAL = Path("var", "local", "env")
#: any of these says which deployment is meant; then no file is looked for
_DECIDED = ("KUNDVAL_AMQP_URI", "KUNDVAL_AMQP_URI_FILE", "KUNDVAL_SETTINGS_FILE")


def use_environment(file: str | Path | None = None, environ: MutableMapping[str, str] | None = None) -> Path | None:
    """Put the settings of `file`, or of the checkout's local servers, into the environment; the file, if any.

    What is set already stays as it is.
    """
    environ = os.environ if environ is None else environ
    if file is None:
        if any(environ.get(key) for key in _DECIDED):
            return None
        file = find_local()
        if file is None:
            return None
    for key, value in read_env(Path(file)):
        environ.setdefault(key, value)
    return Path(file)


def trust() -> None:
    """Have the connections of this process to broker and databases trust the authority that the settings name."""
    key = "KUNDVAL_TLS_AUTHORITY"
    if os.environ.get(key) or os.environ.get(f"{key}_FILE") or os.environ.get("KUNDVAL_SETTINGS_FILE"):
        from .trust import authority

        authority(optional(key))


def find_local(start: Path | None = None) -> Path | None:
    """``var/local/env`` in the folder `start` (the current one), above it, or above this package."""
    for place in (start or Path.cwd(), Path(__file__).resolve().parent):
        for folder in (place, *place.parents):
            try:
                if (folder / LOCAL).is_file():
                    return folder / LOCAL
            except OSError:
                break
    return None


def read_env(file: Path) -> Iterator[tuple[str, str]]:
    """The pairs in a file of KEY=VALUE lines, as a shell or systemd would read them (simple quotes at most)."""
    for line in file.read_text(encoding="utf-8").splitlines():
        key, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and key and not key.startswith("#"):
            if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
                value = value[1:-1]
            yield key.strip(), value


def need(key: str) -> str:
    """The setting `key`; ends the program with status 2 and a hint if there is none."""
    value = optional(key)
    if value:
        return value
    refuse(f"{key} is not set (start the local servers with `make up`, or export it)")


def optional(key: str) -> str | None:
    """The setting `key`, if there is one: from the environment, the settings file, or a file of its own."""
    from .settings import SettingsError, one

    try:
        return one(key)
    except SettingsError as error:
        refuse(str(error))


def refuse(message: str) -> NoReturn:
    """End the program with status 2: what was asked for cannot be done as it was asked."""
    click.echo(f"kundval: {message}", err=True)
    raise SystemExit(2)
