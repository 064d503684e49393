"""What stands in the tree: no secret, and no habit by which code lets strangers in."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = ("chassis", "contracts", "services", "deploy", "docs")

# --- secrets -------------------------------------------------------------------------------------------

#: what looks like a secret: each pattern with a sample, so that none is dead
SECRETS = {
    "a private key": (r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----", "-----BEGIN EC " + "PRIVATE KEY-----"),
    "a signed token": (r"\beyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{20,}", f"eyJ{'a' * 20}.eyJ{'b' * 20}." + "c" * 30),
    "a key of a cloud": (r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b", "AKIA" + "A1" * 8),
    "a token of a forge": (r"\b(?:gh[pousr]_\w{36}|glpat-[\w-]{20}|npm_\w{36}|pypi-[\w-]{60})", "ghp_" + "a" * 36),
    "a token of a feed": (r"\bkvfeed_[\w-]{40,}", "kvfeed_" + "a1" * 22),
    "a secret of webhooks": (r"\bwhsec_[A-Za-z0-9+/]{40,}={0,2}", "whsec_" + "a1" * 22),
    "a password in an address": (
        r"\b(?:amqps?|postgres(?:ql)?|https?)://[^\s:/@\"'{}<>$%…]+:(?P<password>[^\s:/@\"'{}<>$%…]+)@",
        "amqp://anna:" + "hunter2x9@host",
    ),
}  # fmt: skip
#: passwords that are none: words that say "a password", and those of examples
NOTHING = re.compile(r"(?i)(?:.*(?:password|secret|hemligt|lösenord|example).*|pass|pw|p|x+|guest|kundval|\.+|u|b)$")
#: names of these say where made-up secrets are meant
EXAMPLES = ("tests/",)


@cache
def tracked() -> tuple[Path, ...]:
    """Every file of the tree that is no result of running something."""
    done = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=False,
    )
    if done.returncode == 0:
        return tuple(ROOT / name for name in done.stdout.decode().split("\0") if name)
    skipped = {"var", ".venv", ".git"}
    return tuple(path for path in ROOT.rglob("*") if path.is_file() and path.relative_to(ROOT).parts[0] not in skipped)


def finds(text: str) -> Iterator[str]:
    for what, (pattern, _) in SECRETS.items():
        for match in re.finditer(pattern, text):
            password = match.groupdict().get("password")
            if password is None or not NOTHING.fullmatch(password):
                yield what


@pytest.mark.parametrize("what", SECRETS)
def test_what_looks_like_a_secret_is_found(what: str) -> None:
    assert list(finds(f"key = {SECRETS[what][1]}\n")) == [what]


def test_no_file_holds_a_secret() -> None:
    seen, found = 0, []
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(EXAMPLES) or not path.is_file() or path.stat().st_size > 2_000_000:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        seen += 1
        found += [f"{name}: {what}" for what in finds(text)]
    assert seen > 500
    assert found == []


# --- habits --------------------------------------------------------------------------------------------


#: flake8-bandit's rules in ruff, but for those that only ask a reader to look: which program is started, names that
#: sound like secrets, SQL of parts (whose values travel apart from it), folders for what does not last
RULES = (
    "--no-cache", "--output-format", "concise", "--select", "S",
    "--ignore", "S101,S104,S105,S106,S108,S110,S310,S311,S506,S603,S606,S607,S608,S704",
)  # fmt: skip
#: what lets strangers in, each with the rule that finds it
HABITS = """\
import os, pickle, ssl, subprocess, tempfile, requests
eval(x)  # S307
exec(x)  # S102
pickle.loads(x)  # S301
os.system(x)  # S605
subprocess.run(x, shell=True)  # S602
requests.get(x, verify=False, timeout=1)  # S501
ssl._create_unverified_context()  # S323
tempfile.mktemp()  # S306
"""


def ruff(*what: str, text: str | None = None) -> str:
    program = str(Path(sys.executable).with_name("ruff"))
    done = subprocess.run(
        [program, "check", *RULES, *what], cwd=ROOT, input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def test_nothing_in_the_code_turns_text_into_code_or_believes_anybody() -> None:
    assert ruff(*CODE).strip() == "All checks passed!"


def test_what_lets_strangers_in_is_found() -> None:
    found = ruff("--stdin-filename", "sample.py", "-", text=HABITS)
    for line in HABITS.splitlines()[1:]:
        assert f" {line.rpartition(' ')[2]} " in found, line


#: comparisons of these are made by hmac.compare_digest, whose time says nothing
SECRET_NAMES = re.compile(r"(?i)(?:^|_)(?:mac|signature|digest|password|secret|token)$")
#: where there can be one at all: to read a whole file costs more
_NAMES = r"(?:mac|signature|digest|password|secret|token)\b"
_HINT = re.compile(rf"(?i){_NAMES}[^\n]*[!=]=|[!=]= [^\n]*{_NAMES}")

#: not secrets, or not from outside
ALLOWED = [
    # the access log is read from the database by who runs it, and whoever asks is told which entry does not fit
    "services/assignment/kundval_assignment/domain/chain.py: expected != mac",
    "services/assignment/kundval_assignment/domain/chain.py: self._known.pop(n) != mac",
    # of a document, as whoever sends it says: no secret
    "services/assignment/kundval_assignment/reports/keep.py: request['sha256'] != digest",
]


def compared(text: str) -> Iterator[str]:
    """Comparisons by `==` and `!=` with what is called like a secret; with a literal they say nothing."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
            continue
        sides = [node.left, *node.comparators]
        if any(isinstance(side, ast.Constant) for side in sides):
            continue
        if any(SECRET_NAMES.search(ast.unparse(side)) for side in sides):
            yield ast.unparse(node)


def test_secrets_are_not_compared_as_text() -> None:
    paths = [path for part in ("chassis", "contracts", "services") for path in sorted((ROOT / part).rglob("*.py"))]
    assert len(paths) > 300
    texts = ((path, path.read_text(encoding="utf-8")) for path in paths)
    assert [
        f"{path.relative_to(ROOT).as_posix()}: {one}"
        for path, text in texts
        if _HINT.search(text)
        for one in compared(text)
    ] == ALLOWED


def test_such_a_comparison_is_found() -> None:
    assert list(compared("x = given == self._token\ny = mac != other\nz = kind == 'token'")) == [
        "given == self._token",
        "mac != other",
    ]
