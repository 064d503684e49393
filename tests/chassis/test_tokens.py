"""Tokens: minted, read, refused; keys that change; who may what."""

from __future__ import annotations

import base64
import hmac
import json
import time
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from kundval_chassis.sealing import BadKey
from kundval_chassis.tokens import LONGEST, SKEW, Tokens
from kundval_contracts.errors import Forbidden, Unauthenticated
from kundval_contracts.rpc import METHODS, CallerRole

OLD, NEW = "o" * 40, "n" * 40


def refusal(tokens: Tokens, token: Any, now: float | None = None) -> str:
    with pytest.raises(Unauthenticated) as caught:
        tokens.read(token, now)
    return caught.value.code


def signed(claims: dict[str, Any], header: dict[str, Any] | None = None, key: str = OLD) -> str:
    return jwt.encode({"alg": "HS256", **(header or {})}, claims, OctKey.import_key(key), algorithms=["HS256", "none"])


def test_a_token_says_who_in_which_role_for_whom_and_why() -> None:
    tokens = Tokens(OLD)
    caller = tokens.read(
        tokens.mint("PROVIDER", subject="u-1", organisation="alfa", tenant="nacka", purpose="report a result")
    )
    assert (caller.subject, caller.role, caller.organisation, caller.tenant, caller.purpose) == (
        "u-1",
        CallerRole.PROVIDER,
        "alfa",
        "nacka",
        "report a result",
    )
    assert caller.provider == "alfa"
    assert caller.token_id


def test_only_a_provider_is_limited_to_a_provider() -> None:
    tokens = Tokens(OLD)
    staff = tokens.read(tokens.mint("CONTROLLER", organisation="nacka"))
    assert staff.provider is None
    staff.require("beta")
    provider = tokens.read(tokens.mint("PROVIDER", organisation="alfa", tenant="nacka"))
    provider.require("alfa")
    for other in ("beta", None):
        with pytest.raises(Forbidden):
            provider.require(other)


def test_a_token_ends_after_its_life_give_or_take_the_clocks() -> None:
    tokens = Tokens(OLD)
    token = tokens.mint("SYSTEM", lifetime=60, now=1_000_000)
    assert tokens.read(token, 1_000_000 + 59)
    assert tokens.read(token, 1_000_000 + 60 + SKEW - 1)
    assert refusal(tokens, token, 1_000_000 + 60 + SKEW) == "TOKEN_EXPIRED"


def test_a_token_that_was_read_before_expires_all_the_same() -> None:
    tokens = Tokens(OLD)
    token = tokens.mint("SYSTEM", lifetime=60, now=1_000_000)
    assert tokens.read(token, 1_000_001) is tokens.read(token, 1_000_002)
    assert refusal(tokens, token, 2_000_000) == "TOKEN_EXPIRED"


def test_a_token_from_the_future_is_refused() -> None:
    tokens = Tokens(OLD)
    assert refusal(tokens, tokens.mint("SYSTEM", now=1_000_000 + SKEW + 1), 1_000_000) == "TOKEN_INVALID"


@pytest.mark.parametrize("token", [None, "", b"", 0])
def test_no_token_is_said_to_be_missing(token: Any) -> None:
    assert refusal(Tokens(OLD), token) == "TOKEN_MISSING"


@pytest.mark.parametrize("token", ["x", "a.b.c", "ey.ey.ey", 17, ["a"], "\x00", "å" * 50, "." * 5000])
def test_rubbish_is_refused(token: Any) -> None:
    assert refusal(Tokens(OLD), token) == "TOKEN_INVALID"


def test_a_changed_token_is_refused() -> None:
    tokens = Tokens(OLD)
    head, claims, signature = tokens.mint("CAREER_GUIDE").split(".")
    other = tokens.mint("SYSTEM").split(".")[1]
    assert refusal(tokens, f"{head}.{other}.{signature}") == "TOKEN_INVALID"
    assert refusal(tokens, f"{head}.{claims}.") == "TOKEN_INVALID"
    assert refusal(tokens, f"{head}.{claims}.{signature[:-4]}AAAA") == "TOKEN_INVALID"


@pytest.mark.filterwarnings("ignore:.*none.*deprecated")
def test_an_unsigned_token_is_refused() -> None:
    now = int(time.time())
    claims = {"sub": "u", "role": "SYSTEM", "iat": now, "exp": now + 60}
    token = jwt.encode({"alg": "none"}, claims, OctKey.import_key(OLD), algorithms=["none"])
    assert refusal(Tokens(OLD), token) == "TOKEN_INVALID"


@pytest.mark.parametrize(
    "change",
    [
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"role": None},
        {"role": "EMPEROR"},
        {"iat": None},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"org": 7},
        {"role": "PROVIDER"},
        {"role": "PROVIDER", "org": "alfa"},
        {"exp": int(time.time()) + 2 * LONGEST},
    ],
)
def test_a_signed_token_with_a_wrong_claim_is_refused(change: dict[str, Any]) -> None:
    now = int(time.time())
    claims = {"sub": "u", "role": "SYSTEM", "iat": now, "exp": now + 60} | change
    claims = {name: value for name, value in claims.items() if value is not None}
    assert refusal(Tokens(OLD), signed(claims)) == "TOKEN_INVALID"


def test_keys_change_without_a_moment_in_which_tokens_are_refused() -> None:
    before, during, after = Tokens(OLD), Tokens(f"{NEW},{OLD}"), Tokens(NEW)
    assert during.read(before.mint("SYSTEM"))
    assert during.read(during.mint("SYSTEM"))
    assert after.read(during.mint("SYSTEM"))
    assert refusal(after, before.mint("SYSTEM")) == "TOKEN_INVALID"
    assert refusal(before, during.mint("SYSTEM")) == "TOKEN_INVALID"


def test_keys_can_have_names() -> None:
    assert Tokens(f"2027:{NEW},2026:{OLD}").read(Tokens(f"2026:{OLD}").mint("SYSTEM"))


@pytest.mark.parametrize("keys", ["", "short", f"{OLD},", f"a:{OLD},a:{NEW}", f"{OLD},{OLD}"])
def test_a_weak_or_double_key_is_refused_and_not_shown(keys: str) -> None:
    with pytest.raises(BadKey) as caught:
        Tokens(keys)
    assert "ooo" not in str(caught.value)
    assert "short" not in str(caught.value).split()


def test_a_providers_token_names_provider_and_tenant() -> None:
    with pytest.raises(ValueError, match="tenant"):
        Tokens(OLD).mint("PROVIDER", organisation="alfa")


def test_a_role_calls_what_its_role_may() -> None:
    tokens = Tokens(OLD)
    method = METHODS["billing.run_payments"]
    for role in CallerRole:
        caller = tokens.read(tokens.mint(role, organisation="alfa", tenant="t"))
        if role in method.roles:
            caller.check_role(method)
        else:
            with pytest.raises(Forbidden) as caught:
                caller.check_role(method)
            assert caught.value.code == "ROLE_NOT_ALLOWED"


def test_a_token_for_one_tenant_is_for_no_other() -> None:
    tokens = Tokens(OLD)
    caller = tokens.read(tokens.mint("CONTROLLER", tenant="nacka"))
    caller.check_request({"tenant": "nacka"})
    caller.check_request({})
    with pytest.raises(Forbidden) as caught:
        caller.check_request({"tenant": "kramfors"})
    assert caught.value.code == "OTHER_TENANT"
    tokens.read(tokens.mint("CONTROLLER")).check_request({"tenant": "kramfors"})


# --- keys that stand in a file -------------------------------------------------------------------------


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of keys that is looked at each time a token is made or read."""
    monkeypatch.setattr("kundval_chassis.tokens.LOOK_AGAIN", 0)
    path = tmp_path / "token-keys"
    path.write_text(OLD)
    return path


def put(path: Path, keys: str) -> None:
    """Another file in its place, as whoever mounts secrets does."""
    other = path.with_suffix(".new")
    other.write_text(keys)
    other.replace(path)


def test_keys_in_a_file_change_without_a_restart(key_file: Path) -> None:
    tokens = Tokens(OLD, key_file)
    token = tokens.mint("SYSTEM")
    put(key_file, f"{NEW},{OLD}\n")
    assert tokens.read(token)
    assert Tokens(NEW).read(tokens.mint("SYSTEM"))
    put(key_file, NEW)
    # one that was read before is not remembered beyond its key
    assert refusal(tokens, token) == "TOKEN_INVALID"


@pytest.mark.parametrize("content", ["", "short", f"{NEW},", "\xff"])
def test_a_file_that_holds_no_keys_leaves_those_that_were_read(key_file: Path, content: str) -> None:
    tokens = Tokens(OLD, key_file)
    token = tokens.mint("SYSTEM")
    key_file.write_bytes(content.encode("latin-1"))
    assert tokens.read(token)
    key_file.unlink()
    assert tokens.read(tokens.mint("SYSTEM"))
    key_file.write_text(NEW)
    assert refusal(tokens, token) == "TOKEN_INVALID"


# --- forgeries -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_a_token_of_another_algorithm_is_refused_even_with_the_right_key(algorithm: str) -> None:
    now = int(time.time())
    claims = {"sub": "u", "role": "SYSTEM", "iat": now, "exp": now + 60}
    key = OctKey.import_key("x" * 64)
    token = jwt.encode({"alg": algorithm}, claims, key, algorithms=[algorithm])
    assert refusal(Tokens("x" * 64), token) == "TOKEN_INVALID"


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "other"},
        {"kid": ["o"]},
        {"jku": "https://example.org/keys"},
        {"jwk": {"kty": "oct", "k": "bm5u"}},
        {"crit": ["exp"]},
        {"crit": ["b64"], "b64": False},
    ],
)
def test_a_token_cannot_choose_by_which_key_it_is_read(header: dict[str, Any]) -> None:
    now = int(time.time())
    claims = {"sub": "u", "role": "SYSTEM", "iat": now, "exp": now + 60}
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", **header}).encode()).rstrip(b"=").decode()
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    mac = hmac.digest(NEW.encode(), f"{head}.{body}".encode(), "sha256")
    token = f"{head}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    assert refusal(Tokens(OLD), token) == "TOKEN_INVALID"


@pytest.mark.parametrize(
    "claim", [{"aud": "another"}, {"aud": ["a", "b"]}, {"aud": 7}, {"nbf": 4_000_000_000}, {"nbf": "now"}]
)
def test_a_token_that_says_it_is_for_others_or_for_later_is_refused(claim: dict[str, Any]) -> None:
    now = int(time.time())
    claims = {"sub": "u", "role": "SYSTEM", "iat": now, "exp": now + 60}
    assert refusal(Tokens(OLD), signed(claims | claim)) == "TOKEN_INVALID"
    assert Tokens(OLD).read(signed(claims | {"aud": ["another", "kundval"], "nbf": now}))
