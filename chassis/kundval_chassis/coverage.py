"""Where each rule of the rulebook is implemented and tested, read from the source text.

Nothing is imported or run: `@rule("…")` is looked for in the packages that are installed, and
`@pytest.mark.rule("…")` in the tests of the checkout, so that the answer is the same with half of the suite
installed. Only string literals count.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kundval_contracts.codes import NoticeKind, Role
from kundval_contracts.notices import serving
from kundval_contracts.rules import Rule, register

PACKAGES = (
    "kundval_contracts",
    "kundval_chassis",
    "kundval_assignment",
    "kundval_scheduling",
    "kundval_billing",
    "kundval_notifications",
)
_TESTABLE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Coverage:
    """One rule and where it is found: `implemented` as module:function, `tested` as tests/file.py::test.

    reason: why there is no code, or what is missing; None when the rule is implemented and tested. notices: those that
    tell of it, each with whom they tell.
    """

    rule: Rule
    service: tuple[str, ...]
    implemented: tuple[str, ...]
    tested: tuple[str, ...]
    reason: str | None
    notices: tuple[tuple[NoticeKind, tuple[Role, ...]], ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.rule.id,
            "title": self.rule.title,
            "kinds": list(self.rule.kinds),
            "service": list(self.service),
            "implemented": list(self.implemented),
            "tested": list(self.tested),
            "reason": self.reason,
            "notices": [{"kind": kind.value, "to": [role.value for role in to]} for kind, to in self.notices],
        }


def coverage(tests: Path | None = None) -> list[Coverage]:
    """Every rule in the rulebook's order. `tests`: the folder of tests, by default the checkout's."""
    implemented = _collect(entry for name in PACKAGES for entry in implementations(name))
    folder = tests if tests is not None else checkout_tests()
    tested = _collect(marked_tests(folder)) if folder is not None else {}
    return [_row(one, implemented.get(one.id, ()), tested.get(one.id, ())) for one in register().values()]


def checkout_tests() -> Path | None:
    """The `tests` folder beside the sources, if this is a checkout and not an installed wheel."""
    folder = Path(__file__).resolve().parents[2] / "tests"
    return folder if folder.is_dir() else None


def implementations(package: str) -> Iterator[tuple[str, str]]:
    """(rule id, "module:function") for every `@rule` in a package; none if it is not installed."""
    spec = find_spec(package)
    for root in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(root)
        for file in sorted(folder.rglob("*.py")):
            parts = [package, *file.relative_to(folder).with_suffix("").parts]
            module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            for name, node in _definitions(_parse(file).body):
                for decorator in node.decorator_list:
                    for one in _ids(decorator, ("rule",)):
                        yield one, f"{module}:{name}"


def marked_tests(folder: Path) -> Iterator[tuple[str, str]]:
    """(rule id, "tests/file.py::test") for every test that is marked, also through its class or its parameters."""
    for file in sorted(folder.rglob("test_*.py")):
        tree = _parse(file)
        where = f"{folder.name}/{file.relative_to(folder).as_posix()}"
        constants = _constants(tree)
        module_marks = set(_marks([constants["pytestmark"]], constants)) if "pytestmark" in constants else set()
        inherited = {
            name: set(_marks(node.decorator_list, constants))
            for name, node in _definitions(tree.body)
            if isinstance(node, ast.ClassDef)
        }
        for name, node in _definitions(tree.body):
            if isinstance(node, ast.ClassDef) or not node.name.startswith("test"):
                continue
            ids = module_marks | inherited.get(name.rpartition(".")[0], set())
            ids |= set(_marks(node.decorator_list, constants))
            for one in sorted(ids):
                yield one, f"{where}::{name.replace('.', '::')}"


def _row(one: Rule, implemented: tuple[str, ...], tested: tuple[str, ...]) -> Coverage:
    found_in = dict.fromkeys(place.split(".")[0].split(":")[0].removeprefix("kundval_") for place in implemented)
    service = one.services or tuple(found_in)
    reason = _reason(one, service, implemented, tested)
    return Coverage(one, service, implemented, tested, reason, serving(one.id))


def _reason(one: Rule, service: tuple[str, ...], implemented: tuple[str, ...], tested: tuple[str, ...]) -> str | None:
    if implemented and tested:
        return None
    if implemented:
        return "Implemented; no test is marked with it."
    if tested:
        return "Tested; no function is marked with it."
    if one.reason:
        return one.reason
    owner = f" of {' and '.join(service)}" if service else ""
    if one.id.startswith("AF-"):
        return f"Not built yet: the employment service's programmes are a later stage{owner}."
    if set(one.kinds) == {"AUTH"} or {"AUTH", "BG"} == set(one.kinds):
        return f"Not built yet: authorisation and supervision of providers are a later stage{owner}."
    return f"Not built yet: a later stage{owner}."


def _collect(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for one, place in pairs:
        found[one][place] = None
    return {one: tuple(places) for one, places in found.items()}


def _parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def _definitions(
    body: Iterable[ast.stmt], prefix: str = ""
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    """Functions and classes of a module with their dotted names, methods included."""
    for node in body:
        if isinstance(node, _TESTABLE):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from _definitions(node.body, f"{prefix}{node.name}.")


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """Names assigned at the top of a module, such as a list of parameters with their marks."""
    found: dict[str, ast.expr] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            found |= {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            found[node.target.id] = node.value
    return found


def _marks(nodes: Iterable[ast.expr], constants: Mapping[str, ast.expr]) -> Iterator[str]:
    """Ids of every `pytest.mark.rule(…)` within the expressions, through module constants too."""
    waiting, seen = list(nodes), set()
    while waiting:
        for node in ast.walk(waiting.pop()):
            yield from _ids(node, ("mark", "rule"))
            if isinstance(node, ast.Name) and node.id in constants and node.id not in seen:
                seen.add(node.id)
                waiting.append(constants[node.id])


def _ids(node: ast.AST, name: tuple[str, ...]) -> Iterator[str]:
    """The literal arguments of a call to something whose dotted name ends with `name`."""
    if isinstance(node, ast.Call) and _dotted(node.func)[-len(name) :] == name:
        for argument in node.args:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value


def _dotted(node: ast.expr) -> tuple[str, ...]:
    if isinstance(node, ast.Name):
        return (node.id,)
    return (*_dotted(node.value), node.attr) if isinstance(node, ast.Attribute) else ()
