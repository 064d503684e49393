"""Tokens: who calls, in which role, for which organisation, and why.

A token is a signed JWT (HS256) that lives for minutes. Claims: `sub` (opaque id of the person or system),
`role`, `org` (a provider's id, or the municipality), `tenant` (set: valid in that municipality only; a
provider's token must have it, because provider ids are a municipality's own), `purpose`, `iat`, `exp`, `jti`. One
that names an audience (`aud`) must name this suite, and one that names a beginning (`nbf`) is not valid before it.

Keys: ``KUNDVAL_TOKEN_KEY`` holds one key or several, separated by commas, each ``id:secret`` or only a
secret. The first signs; all are accepted. To change keys: put the new one in front, restart, and take the old
one away when its last token has expired. Keys that were read from a file (``KUNDVAL_TOKEN_KEY_FILE``) are read again
when it changes, without a restart.
"""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

from kundval_contracts.errors import Forbidden, Unauthenticated
from kundval_contracts.rpc import CallerRole, Method

from . import given, logs
from .sealing import named

#: seconds that a token lives unless something else is said
LIFETIME = 300
#: seconds by which two machines' clocks may differ
SKEW = 10
#: the longest life of a token that is accepted, in seconds
LONGEST = 24 * 3600
#: as which audience the suite counts
AUDIENCE = "kundval"

#: seconds between two looks at the file of the keys
LOOK_AGAIN = 5.0

_ALGORITHM = "HS256"
_REMEMBERED = 2048

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. `organisation` is the provider's id when the role is PROVIDER."""

    subject: str
    role: CallerRole
    organisation: str | None
    purpose: str | None
    tenant: str | None = None
    token_id: str | None = None

    @property
    def provider(self) -> str | None:
        """The provider whose rows alone the caller may see; None: no such limit."""
        return self.organisation if self.role is CallerRole.PROVIDER else None

    def require(self, provider: str | None) -> None:
        """Raise `Forbidden` unless the caller may see what belongs to `provider`."""
        if self.provider is not None and self.provider != provider:
            raise Forbidden(code="NOT_YOUR_ASSIGNMENT")

    def check_role(self, method: Method) -> None:
        """Raise `Forbidden` unless the caller's role may call `method`."""
        if self.role not in method.roles:
            raise Forbidden(f"{self.role.value} may not call {method.name}.", code="ROLE_NOT_ALLOWED")

    def check_purpose(self, method: Method) -> None:
        """Raise `Forbidden` if `method` is about a person and the token does not say what for."""
        if method.policy.personal and not (self.purpose or "").strip():
            raise Forbidden(f"The token does not say for what {method.name} is called.", code="PURPOSE_MISSING")

    def check_request(self, request: Mapping[str, Any]) -> None:
        """Raise `Forbidden` if the request names another tenant or provider than the caller's own."""
        if self.tenant is not None and request.get("tenant", self.tenant) != self.tenant:
            raise Forbidden("The token is for another tenant.", code="OTHER_TENANT")
        if self.provider is not None and request.get("provider") not in (None, self.provider):
            raise Forbidden("A provider sees its own only.", code="OTHER_PROVIDER")


class Tokens:
    """Mints and reads tokens with the keys of the text `keys` (see the module's docstring). `file`: where it is from;
    what stands there later counts from then on, but for keys that are of no use.
    """

    def __init__(self, keys: str, file: Path | None = None):
        self._file = file
        self._seen = _state(file)
        self._looked = time.monotonic()
        self._use(keys)

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Tokens:
        """Those of a service, from nameko's configuration."""
        settings = config.get("settings")
        return cls(config["KUNDVAL_TOKEN_KEY"], settings.files.get("TOKEN_KEY") if settings is not None else None)

    def mint(
        self,
        role: CallerRole | str,
        *,
        subject: str = "system",
        organisation: str | None = None,
        purpose: str | None = None,
        tenant: str | None = None,
        lifetime: float = LIFETIME,
        now: float | None = None,
    ) -> str:
        """A signed token; `lifetime` in seconds."""
        self._look()
        role = CallerRole(role)
        if role is CallerRole.PROVIDER and not (organisation and tenant):
            raise ValueError("a provider's token names the provider (organisation) and its tenant")
        issued = time.time() if now is None else now
        claims: dict[str, Any] = {
            "sub": subject,
            "role": role.value,
            "iat": int(issued),
            "exp": int(issued + lifetime),
            "jti": uuid.uuid4().hex,
        }
        claims.update(
            (name, value)
            for name, value in (("org", organisation), ("purpose", purpose), ("tenant", tenant))
            if value is not None
        )
        return jwt.encode({"alg": _ALGORITHM, "kid": self._signer.kid}, claims, self._signer)

    def read(self, token: object, now: float | None = None) -> Caller:
        """Who holds `token`; raises `Unauthenticated` with a code that says why not."""
        if not token:
            raise Unauthenticated(code="TOKEN_MISSING")
        if not isinstance(token, str):
            raise Unauthenticated(code="TOKEN_INVALID")
        self._look()
        now = time.time() if now is None else now
        known = self._read.get(token)
        if known is None:
            known = self._verify(token)
            self._read[token] = known
            if len(self._read) > _REMEMBERED:
                self._read.popitem(last=False)
        caller, issued, expires = known
        if now >= expires + SKEW:
            raise Unauthenticated("The token has expired.", code="TOKEN_EXPIRED")
        if now < issued - SKEW:
            raise Unauthenticated("The token is not valid yet.", code="TOKEN_INVALID")
        return caller

    def _use(self, keys: str) -> None:
        parsed = _parse(keys)
        self._signer = parsed[0]
        self._keys = KeySet([*parsed])
        # reading a signature costs more than the rest of a small call; a token is used many times
        self._read: OrderedDict[str, tuple[Caller, float, float]] = OrderedDict()

    def _look(self) -> None:
        """Take the keys that stand in the file by now."""
        if self._file is None or time.monotonic() - self._looked < LOOK_AGAIN:
            return
        self._looked = time.monotonic()
        state = _state(self._file)
        if state == self._seen:
            return
        self._seen = state
        try:
            self._use(given.read(self._file))
        except ValueError as error:
            log.error("token_keys_not_read", error=type(error).__name__)
        else:
            log.info("token_keys_read", first=self._signer.kid)

    def _verify(self, token: str) -> tuple[Caller, float, float]:
        try:
            claims = jwt.decode(token, self._keys, algorithms=[_ALGORITHM]).claims
        except (JoseError, ValueError, TypeError, KeyError):
            raise Unauthenticated(code="TOKEN_INVALID") from None
        try:
            role = CallerRole(claims["role"])
            issued, expires = claims["iat"], claims["exp"]
            begins = claims.get("nbf", issued)
            audience = claims.get("aud", AUDIENCE)
            caller = Caller(
                subject=_text(claims["sub"]),
                role=role,
                organisation=_text_or_none(claims.get("org")),
                purpose=_text_or_none(claims.get("purpose")),
                tenant=_text_or_none(claims.get("tenant")),
                token_id=_text_or_none(claims.get("jti")),
            )
        except (KeyError, ValueError):
            raise Unauthenticated("The token lacks a claim.", code="TOKEN_INVALID") from None
        if not all(isinstance(at, int | float) and not isinstance(at, bool) for at in (issued, expires, begins)):
            raise Unauthenticated("The token lacks a claim.", code="TOKEN_INVALID")
        if AUDIENCE not in (audience if isinstance(audience, list) else [audience]):
            raise Unauthenticated("The token is for another audience.", code="TOKEN_INVALID")
        if expires - issued > LONGEST:
            raise Unauthenticated("The token lives too long.", code="TOKEN_INVALID")
        if role is CallerRole.PROVIDER and not (caller.organisation and caller.tenant):
            raise Unauthenticated("The token lacks a claim.", code="TOKEN_INVALID")
        return caller, float(max(issued, begins)), float(expires)


def _state(file: Path | None) -> tuple[int, ...] | None:
    """What changes when another content is put in a file, or another file in its place."""
    try:
        found = file.stat() if file is not None else None
    except OSError:
        return None
    return None if found is None else (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)


def _parse(text: str) -> list[OctKey]:
    return [OctKey.import_key(secret, {"kid": name}) for name, secret in named(text).items()]


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)
