"""Settings of a service: from the environment, and from a TOML file that ``KUNDVAL_SETTINGS_FILE`` names.

``KUNDVAL_BILLING_X`` is X for billing only and wins over ``KUNDVAL_X``; the environment wins over the file.
The file holds the same keys, or without their prefix in a table of the service::

    KUNDVAL_AMQP_URI = "amqps://…"
    [billing]
    DATABASE_URI = "postgresql://…"

A key with ``_FILE`` at its end names a file that holds the value (`kundval_chassis.given`).

Nothing is guessed: a missing or wrong setting is named by its key, all of them at once, and the service does
not start. No message quotes a value, which may be a secret.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kundval_contracts import yaml12
from kundval_contracts.settings import MISSING, SettingsFault, read_settings

from .given import Given, Wrong, merged
from .logs import LEVELS

PREFIX = "KUNDVAL_"
FILE_KEY = "KUNDVAL_SETTINGS_FILE"


class Required:
    """Marks a setting that has no default."""


REQUIRED = Required()


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `name` is the key without prefix; `read` turns text into the value, or raises `ValueError`
    with what is wrong (without the value).
    """

    name: str
    read: Callable[[str], Any]
    default: Any = REQUIRED
    help: str = ""


class SettingsError(Exception):
    """What is missing or wrong; `faults` is a list of ``(key, message)``."""

    def __init__(self, faults: Iterable[tuple[str, str]]):
        self.faults = list(faults)
        super().__init__("\n".join(f"{key}: {message}" for key, message in self.faults))


@dataclass(frozen=True, slots=True)
class Settings(Mapping[str, Any]):
    """The settings of one service, by name without prefix: ``settings["HTTP_PORT"]``.

    files: those from which settings were read, by name. notes: what should be better, as ``(key, message)``.
    """

    service: str
    values_: Mapping[str, Any] = field(repr=False)
    rules: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    notes: tuple[tuple[str, str], ...] = ()

    def __getitem__(self, name: str) -> Any:
        return self.values_[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)

    def full(self) -> dict[str, Any]:
        """By full key."""
        return {f"{PREFIX}{name}": value for name, value in self.values_.items()}

    def nameko(self) -> dict[str, Any]:
        """nameko's configuration for the service's container; our own settings under their full keys."""
        config = self.full()
        config[f"{PREFIX}{self.service.upper()}_DATABASE_URI"] = self["DATABASE_URI"]
        config.update(
            AMQP_URI=self["AMQP_URI"],
            max_workers=self["MAX_WORKERS"],
            HEARTBEAT=20,
            settings=self,
            KUNDVAL_RULES=self.rules,
        )
        return config


# ---------------------------------------------------------------- readers


def text(value: str) -> str:
    """Any text but none."""
    if not value.strip():
        raise ValueError("must not be empty")
    return value


def uri(*schemes: str) -> Callable[[str], str]:
    """An address with one of these schemes and a host."""

    def read(value: str) -> str:
        for one in value.split(";"):
            try:
                parts = urlsplit(one)
                host = parts.hostname
            except ValueError:
                raise ValueError("is not an address") from None
            if parts.scheme not in schemes:
                raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
            if not host and not parts.query:
                raise ValueError("names no host")
        return value

    return read


def number(least: int, most: int) -> Callable[[str], int]:
    """A whole number from `least` to `most`."""

    def read(value: str) -> int:
        try:
            result = int(value)
        except ValueError:
            raise ValueError("must be a whole number") from None
        if not least <= result <= most:
            raise ValueError(f"must be from {least} to {most}")
        return result

    return read


def share(value: str) -> float:
    """A share from 0 to 1."""
    try:
        result = float(value)
    except ValueError:
        result = -1.0
    if not 0.0 <= result <= 1.0:
        raise ValueError("must be a share from 0 to 1")
    return result


def one_of(*values: str) -> Callable[[str], str]:
    """One of these words, in any case."""

    def read(value: str) -> str:
        if value.upper() not in values:
            raise ValueError(f"must be one of {', '.join(values)}")
        return value.upper()

    return read


def flag(value: str) -> bool:
    """true or false."""
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if value.lower() not in words:
        raise ValueError("must be true or false")
    return words[value.lower()]


def file(value: str) -> Path:
    """A file that can be read."""
    path = Path(value)
    if not path.is_file() or not os.access(path, os.R_OK):
        raise ValueError("names no file that can be read")
    return path


def folder(value: str) -> Path:
    """A folder; it need not exist yet."""
    path = Path(text(value))
    if path.exists() and not path.is_dir():
        raise ValueError("is not a folder")
    return path


def existing_folder(value: str) -> Path:
    """A folder that is there."""
    path = Path(value)
    if not path.is_dir() or not os.access(path, os.R_OK | os.X_OK):
        raise ValueError("names no folder that can be read")
    return path


def token_keys(value: str) -> str:
    """Keys for tokens, as `kundval_chassis.tokens` describes them."""
    from .tokens import Tokens

    Tokens(value)
    return value


def certificates(value: str) -> Path:
    """A file with certificates of authorities (PEM)."""
    import ssl

    path = file(value)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=str(path))
    except (OSError, ssl.SSLError):
        raise ValueError("names a file that holds no certificate") from None
    return path


def networks(value: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Networks such as 10.0.0.0/8, with commas between them."""
    try:
        return tuple(ipaddress.ip_network(one.strip()) for one in value.split(","))
    except ValueError:
        raise ValueError("must be networks such as 10.0.0.0/8, with commas between them") from None


def partner_keys(value: str) -> str:
    """Keys for partners, as `kundval_chassis.partners.keys` describes them."""
    from .partners.keys import PartnerKeys

    PartnerKeys(value)
    return value


#: What every service has.
CHASSIS = (
    Setting("AMQP_URI", uri("amqp", "amqps"), help="the message broker"),
    Setting("DATABASE_URI", uri("postgresql", "postgres"), help="the service's own database"),
    Setting(
        "MIGRATION_URI",
        uri("postgresql", "postgres"),
        None,
        "the same database, as the role that migrates it; without it DATABASE_URI",
    ),
    Setting("TOKEN_KEY", token_keys, help="keys that sign tokens, the first one signing; 32 characters at least"),
    Setting(
        "PARTNER_KEY", partner_keys, None, "keys from which the secrets of partners are made; without it there are none"
    ),
    Setting("PARTNER_NETWORKS", networks, (), "networks inside that webhooks of partners may go to"),
    Setting("TLS_AUTHORITY", certificates, None, "certificates that are trusted beside the system's (PEM)"),
    Setting("SENDERS_CHECKED", flag, False, "events are taken from their own service's broker user alone"),
    Setting(
        "RPC_QUEUES", one_of("CLASSIC", "QUORUM"), "CLASSIC", "kind of the queues of requests: QUORUM on a cluster"
    ),
    Setting("HTTP_HOST", text, "127.0.0.1", "where health and metrics are served"),
    Setting("HTTP_PORT", number(0, 65535), None, "port of health and metrics; without it there are none"),
    Setting("LOG_LEVEL", one_of(*LEVELS), "INFO", "least weight of a log line"),
    Setting("MAX_WORKERS", number(1, 200), 10, "calls that a service works on at once"),
    Setting("CALLER_A_MINUTE", number(1, 1_000_000), 6000, "calls in a minute of one caller to one process"),
    Setting("OUTBOX_AGE_LIMIT", number(1, 86400), 60, "seconds an event may wait before the service is not ready"),
    Setting("TRACES", uri("http", "https"), None, "collector that gets traces (OTLP over HTTP); else there are none"),
    Setting("TRACES_RATIO", share, 0.05, "share of the traces that begin here which is kept"),
    Setting("BACKUP_STAMP", text, None, "file that is touched after each good backup of the service's database"),
    Setting("STOP_SECONDS", number(1, 600), 25, "seconds that work in hand gets to finish at the end"),
    Setting("RULES_FILE", file, None, "rule settings such as AMI1_MONTHLY_FEE (TOML or YAML)"),
    Setting("PROFILES", existing_folder, None, "folder of further profiles of municipalities, <key>.toml each"),
    Setting("TARIFFS", existing_folder, None, "folder of further tariffs of programmes, <CODE>.toml each"),
)


def load(
    service: str,
    environ: Mapping[str, str] | None = None,
    *,
    more: Iterable[Setting] = (),
    rule_settings: Iterable[str] = (),
    only: Iterable[str] | None = None,
) -> Settings:
    """The settings of `service`; raises `SettingsError` naming every key that is missing or wrong.

    `more` are the service's own, `rule_settings` the keys that the rules file must have. With `only` nothing
    but these names is read (a migration needs no broker).
    """
    environ = os.environ if environ is None else environ
    faults: list[tuple[str, str]] = []
    table = [*CHASSIS, *more]
    stored: dict[str, str] = {}
    try:
        stored = read_settings_file(environ)
    except SettingsError as error:
        faults += error.faults
    given = Given(merged(environ, stored))
    values: dict[str, Any] = {}
    files: dict[str, Path] = {}
    for setting in table:
        if only is not None and setting.name not in only:
            continue
        own, shared = f"{PREFIX}{service.upper()}_{setting.name}", f"{PREFIX}{setting.name}"
        try:
            found = (given.find_address if setting.name.endswith("_URI") else given.find)(own, shared)
        except Wrong as wrong:
            faults.append((wrong.key, wrong.message))
            continue
        if found is None:
            if setting.default is REQUIRED:
                # what is never shared: so the message names the key that should be set
                key = own if setting.name in ("DATABASE_URI", "HTTP_PORT", "PERSON_KEYS") else shared
                faults.append((key, f"is not set ({setting.help})" if setting.help else "is not set"))
            else:
                values[setting.name] = setting.default
            continue
        key, raw = found
        if key in given.files:
            files[setting.name] = given.files[key]
        try:
            values[setting.name] = setting.read(raw)
        except ValueError as error:
            faults.append((key, str(error)))
    rules = _rules(values.get("RULES_FILE"), service, tuple(rule_settings), faults)
    if faults:
        raise SettingsError(faults)
    return Settings(service, values, rules, files, tuple(given.notes))


def one(key: str, environ: Mapping[str, str] | None = None) -> str | None:
    """The text of one setting by its full key, wherever it is given, for a command. Raises `SettingsError`."""
    environ = os.environ if environ is None else environ
    given = Given(merged(environ, read_settings_file(environ)))
    try:
        found = given.find_address(key) if key.endswith("_URI") else given.find(key)
    except Wrong as wrong:
        raise SettingsError([(wrong.key, wrong.message)]) from None
    return None if found is None else found[1]


def read_rules_file(path: Path) -> dict[str, Any]:
    """The raw rule settings in a TOML or YAML file, decimal numbers as `Decimal`. Raises `ValueError`."""
    try:
        if path.suffix in (".yaml", ".yml"):
            content = yaml12.load(path.read_text(encoding="utf-8"))
        else:
            content = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError):
        raise ValueError("names no file that can be read") from None
    except ValueError:
        raise ValueError("names a file that is not well-formed") from None
    if not isinstance(content, dict):
        raise ValueError("names a file that does not hold keys and values")
    return content


def read_settings_file(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings in the file that ``KUNDVAL_SETTINGS_FILE`` names, by full key. Raises `SettingsError`."""
    path = environ.get(FILE_KEY)
    if not path:
        return {}
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise SettingsError([(FILE_KEY, "names no file that can be read")]) from None
    except tomllib.TOMLDecodeError:
        raise SettingsError([(FILE_KEY, "names a file that is not TOML")]) from None
    faults: list[tuple[str, str]] = []
    flat: dict[str, str] = {}
    for key, value in content.items():
        if isinstance(value, dict):
            for inner, inner_value in value.items():
                _put(flat, f"{PREFIX}{key.upper()}_{inner.removeprefix(PREFIX)}", inner_value, faults)
        else:
            _put(flat, key if key.startswith(PREFIX) else PREFIX + key, value, faults)
    if faults:
        raise SettingsError(faults)
    return flat


def _put(flat: dict[str, str], key: str, value: object, faults: list[tuple[str, str]]) -> None:
    if isinstance(value, bool):
        flat[key] = "true" if value else "false"
    elif isinstance(value, str | int):
        flat[key] = str(value)
    else:
        faults.append((key, "must be text, a whole number, true or false"))


def _rules(
    path: Path | None, service: str, needed: tuple[str, ...], faults: list[tuple[str, str]]
) -> Mapping[str, Any]:
    if path is None:
        faults += [(key, f"is not set: {PREFIX}RULES_FILE names no file that has it") for key in needed]
        return {}
    try:
        values = read_settings(read_rules_file(path))
    except SettingsFault as error:
        faults += error.faults
        return {}
    except ValueError as error:
        faults.append((f"{PREFIX}RULES_FILE", str(error)))
        return {}
    faults += [(key, "is not set in the rules file") for key in needed if values.get(key, MISSING) is MISSING]
    return values
