"""The secrets of partners. None is kept: each is derived (HKDF) from the deployment's key with the partner's id, what
it is for and its generation, so that all services agree without a word.

``KUNDVAL_PARTNER_KEY`` holds one key or several, separated by commas, each ``id:secret`` or only a secret of 32
characters or more. Secrets are made with the first; a generation knows with which it was made. To change keys: put the
new one in front, restart, rotate every secret of every partner (`kundval partner rotate`), and take the old one away
when the last day of the former secrets has passed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import date

from kundval_contracts.webhooks import PREFIX

from ..sealing import derive, named
from .pseudonyms import Pseudonyms
from .registry import Generation, Partner, SecretKind

#: how a feed token begins, so that one that was put where it must not be is found
TOKEN_PREFIX = "kvfeed_"


class KeyMissing(LookupError):
    """A secret in use was made with a key that is not given any more. `key` is its name."""

    def __init__(self, key: str):
        super().__init__(f"the partner key {key} is not given any more")
        self.key = key


class PartnerKeys:
    """The keys of the text `keys` (see the module's docstring). Raises `BadKey`."""

    def __init__(self, keys: str):
        self._secrets = named(keys)
        #: of the keys, the first that with which secrets are made
        self.names = tuple(self._secrets)
        self.first = self.names[0]
        self._pseudonyms: dict[tuple[str, int, str], Pseudonyms] = {}

    def feed_tokens(self, partner: Partner, on: date) -> list[str]:
        """The tokens of its feed that are good on a day, the one in use first."""
        return [TOKEN_PREFIX + _text(raw) for raw in self._good(partner, SecretKind.FEED, on)]

    def is_feed_token(self, partner: Partner, given: str, on: date) -> bool:
        """Whether that is one of its tokens. Every one is compared, each by its hash, so that the time says nothing."""
        hashed = _hash(given)
        right = [hmac.compare_digest(_hash(token), hashed) for token in self.feed_tokens(partner, on)]
        return any(right)

    def webhook_secrets(self, partner: Partner, on: date) -> list[str]:
        """What its webhooks are signed with on a day (``whsec_…``), the one in use first."""
        return [PREFIX + base64.b64encode(raw).decode() for raw in self._good(partner, SecretKind.WEBHOOK, on)]

    def queue_password(self, partner: Partner) -> str:
        """Its password at the broker, which knows one for a user: the one in use. Raises `KeyMissing`."""
        return _text(self._derived(partner, SecretKind.QUEUE, partner.in_use(SecretKind.QUEUE)))

    def pseudonyms(self, partner: Partner) -> Pseudonyms:
        """Those in use. Raises `KeyMissing`."""
        return self._made(partner, partner.in_use(SecretKind.PSEUDONYM))

    def known_pseudonyms(self, partner: Partner, on: date) -> list[Pseudonyms]:
        """Those that can be resolved on a day."""
        generations = partner.good(SecretKind.PSEUDONYM, on)
        return [self._made(partner, one) for one in generations if one.key in self._secrets]

    def _made(self, partner: Partner, one: Generation) -> Pseudonyms:
        place = (partner.id, one.number, one.key)
        if place not in self._pseudonyms:
            # three keys of 32 bytes: two for AES-SIV, one for hashes
            parts = [self._derived(partner, SecretKind.PSEUDONYM, one, part) for part in ("mac", "cipher", "hash")]
            self._pseudonyms[place] = Pseudonyms(one.number, parts[0] + parts[1], parts[2])
        return self._pseudonyms[place]

    def _good(self, partner: Partner, kind: SecretKind, on: date) -> list[bytes]:
        generations = partner.good(kind, on)
        return [self._derived(partner, kind, one) for one in generations if one.key in self._secrets]

    def _derived(self, partner: Partner, kind: SecretKind, one: Generation, part: str = "") -> bytes:
        secret = self._secrets.get(one.key)
        if secret is None:
            raise KeyMissing(one.key)
        return derive(secret, "\x1f".join(("kundval partners 1", partner.id, kind.value, str(one.number), part)))


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogateescape")).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
