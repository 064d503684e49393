"""Arrows point one way, and what is called pure is pure: held here and not by good intentions."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOMAINS = sorted(ROOT.glob("services/*/kundval_*/domain"))

#: What reads a clock, draws lots, or reaches out of the process.
IMPURE_MODULES = frozenset(
    {
        "asyncio", "ctypes", "http", "io", "logging", "multiprocessing", "os", "random", "secrets", "select",
        "shutil", "signal", "smtplib", "socket", "sqlite3", "subprocess", "sys", "tempfile", "threading", "time",
        "urllib", "uuid",
    }
)  # fmt: skip
#: Reading what is in the package itself (templates of texts) is allowed, and a file object over bytes in memory, which
#: is what `zipfile` reads.
ALLOWED = {("kundval_notifications", "importlib.resources"), ("kundval_assignment", "io")}
IMPURE_CALLS = frozenset({"open", "input", "print", "exec", "eval", "float", "__import__"})
CLOCK = frozenset({"today", "now", "utcnow", "fromtimestamp"})


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for domain in DOMAINS:
        for path in sorted(domain.rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def shown(path: Path, node: ast.AST, what: str) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)} {what}"


def test_there_is_a_domain_in_every_service() -> None:
    assert [domain.parent.name for domain in DOMAINS] == [
        "kundval_assignment",
        "kundval_billing",
        "kundval_notifications",
        "kundval_scheduling",
    ]


def test_a_domain_imports_the_standard_library_the_contracts_and_itself() -> None:
    wrong = []
    for path, tree in modules():
        service = next(part for part in path.parts if part.startswith("kundval_"))
        own = path.relative_to(ROOT / "services" / service.removeprefix("kundval_") / service / "domain")
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                # one dot is the folder of the module; more than it has folders below `domain` leads out of it
                if node.level > len(own.parts):
                    wrong.append(shown(path, node, f"{'.' * node.level}{node.module or ''}"))
                names = [node.module or ""] if node.level == 0 else []
            else:
                continue
            for name in names:
                top = name.partition(".")[0]
                fine = top == "kundval_contracts" or name.startswith(f"{service}.domain") or (service, name) in ALLOWED
                if not fine and (top not in sys.stdlib_module_names or top in IMPURE_MODULES or top == "importlib"):
                    wrong.append(shown(path, node, name))
    assert not wrong


def test_a_domain_reads_no_clock_no_file_and_knows_no_float() -> None:
    wrong = []
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS:
                wrong.append(shown(path, node, node.func.id))
            if isinstance(node, ast.Attribute) and node.attr in CLOCK and not isinstance(node.ctx, ast.Store):
                wrong.append(shown(path, node, node.attr))
            if isinstance(node, ast.Constant) and isinstance(node.value, float):
                wrong.append(shown(path, node, repr(node.value)))
    assert not wrong


def test_only_the_chassis_the_client_and_the_services_entrypoints_know_the_transport() -> None:
    transport = {"nameko", "eventlet", "kombu", "amqp"}
    allowed = {"service.py", "client.py", "wire.py"}
    wrong = []
    for path in [*ROOT.glob("services/*/kundval_*/**/*.py"), *ROOT.glob("contracts/kundval_contracts/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names.append(node.module or "")
            tops = {name.partition(".")[0] for name in names}
            if tops & transport and path.name not in allowed:
                wrong.append(shown(path, node, ", ".join(sorted(tops & transport))))
    assert not wrong


def test_the_contracts_of_the_import_linter_are_kept() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    if not linter.exists():
        pytest.skip("import-linter is not installed here")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_the_contracts_can_be_imported_without_nameko_and_eventlet() -> None:
    program = (
        "import sys, kundval_contracts.client, kundval_contracts.events, kundval_contracts.caseload\n"
        "print([name for name in ('nameko', 'eventlet', 'psycopg', 'kundval_chassis') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "[]", done.stderr
