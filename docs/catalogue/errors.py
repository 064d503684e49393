"""Which errors a method can give: read from the code, along the calls that lead away from its entrypoint.

A call is followed where its name says what it leads to (a function or class of the module, or imported from one of
ours); what is called on an object at run time is not. So a code may be missing here, but one that is here is in the
code. What the chassis can answer for any method is added.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from kundval_contracts.codes import RefusalCode
from kundval_contracts.errors import KINDS
from kundval_contracts.rpc import CallerRole, Method

ROOT = Path(__file__).resolve().parents[2]
_KIND = {made.__name__: kind for kind, made in KINDS.items()}
#: codes of the chassis that not every method can give
_PERSONAL = {"PURPOSE_MISSING", "ACCESS_LOG_UNAVAILABLE"}
_OF_PROVIDERS = {"NOT_YOUR_ASSIGNMENT", "OTHER_PROVIDER"}
_OF_COMMANDS = {"IDEMPOTENCY_KEY_REUSED", "BUSY"}
#: a file without one has no entrypoint
_ENTRYPOINT = re.compile(r"@(command|query)\(")
_CHASSIS = ("kundval_chassis.tokens", "kundval_chassis.rpc", "kundval_chassis.idempotency")

Node = tuple[str, str]
#: kind and code of an error
Fault = tuple[str, str]


@dataclass
class _Module:
    """What stands at the top of a module, and what its names mean."""

    definitions: dict[str, ast.AST] = field(default_factory=dict)
    #: name -> (module, name in it), or (module, "") for a module
    imported: dict[str, Node] = field(default_factory=dict)  # those at the top of the module


def errors_of(method: Method) -> dict[str, list[str]]:
    """The codes that the method can give, by kind; both sorted."""
    found = set(_of_chassis(method))
    start = _entrypoints().get(method.name)
    if start is not None:
        found |= _from(start)
    by_kind: dict[str, set[str]] = {}
    for kind, code in found:
        by_kind.setdefault(kind, set()).add(code)
    return {kind: sorted(by_kind[kind]) for kind in sorted(by_kind)}


def _of_chassis(method: Method) -> Iterator[Fault]:
    yield from (
        ("INVALID_REQUEST", "INVALID_REQUEST"),
        ("INTERNAL_ERROR", "INTERNAL_ERROR"),
        ("TIMED_OUT", "TIMED_OUT"),
    )
    for module in _CHASSIS:
        contents = _module(module)
        assert contents is not None
        for name in contents.definitions:
            for kind, code in _faults((module, name)):
                if (
                    (code in _PERSONAL and not method.policy.personal)
                    or (code in _OF_PROVIDERS and CallerRole.PROVIDER not in method.roles)
                    or (code in _OF_COMMANDS and method.kind != "command")
                ):
                    continue
                yield kind, code


@cache
def _paths() -> dict[str, Path]:
    found = {}
    for folder in (ROOT / "chassis", *sorted((ROOT / "services").iterdir())):
        for path in sorted(folder.glob("kundval_*/**/*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


@cache
def _module(name: str) -> _Module | None:
    """What one of our modules holds; None for any other."""
    path = _paths().get(name)
    if path is None:
        return None
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    return _read(ast.parse(path.read_text(encoding="utf-8")), package)


def _read(tree: ast.Module, package: str) -> _Module:
    made = _Module()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            made.definitions[node.name] = node
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for one in node.names:
                made.imported[one.asname or one.name] = (module, one.name)
    return made


@cache
def _entrypoints() -> dict[str, Node]:
    """Method name -> where the function of its `@command` or `@query` stands: module and `Class.function`."""
    found = {}
    for module, path in _paths().items():
        contents = _module(module) if _ENTRYPOINT.search(path.read_text(encoding="utf-8")) else None
        for name, node in contents.definitions.items() if contents is not None else ():
            for function in node.body if isinstance(node, ast.ClassDef) else ():
                for one in getattr(function, "decorator_list", ()):
                    if isinstance(one, ast.Call) and getattr(one.func, "id", "") in ("command", "query") and one.args:
                        (first, *_) = one.args
                        if isinstance(first, ast.Constant):
                            found[str(first.value)] = (module, f"{name}.{function.name}")
    return found


@cache
def _node(node: Node) -> ast.AST | None:
    module, name = node
    contents = _module(module)
    if contents is None:
        return None
    outer, _, inner = name.partition(".")
    found = contents.definitions.get(outer)
    if inner and isinstance(found, ast.ClassDef):
        return next((one for one in found.body if getattr(one, "name", "") == inner), None)
    return found


@cache
def _from(start: Node) -> frozenset[Fault]:
    seen, waiting, found = {start}, [start], set()
    while waiting:
        node = waiting.pop()
        found |= _faults(node)
        for one in _leads_to(node):
            if one not in seen and one[0] not in _CHASSIS:
                seen.add(one)
                waiting.append(one)
    return frozenset(found)


@cache
def _leads_to(node: Node) -> frozenset[Node]:
    tree = _node(node)
    if tree is None:
        return frozenset()
    return frozenset(filter(None, (_resolved(node[0], one) for one in ast.walk(tree))))


def _resolved(module: str, one: ast.AST) -> Node | None:
    """What a name leads to: a definition here, an import, or what is taken from an imported module."""
    contents = _module(module)
    assert contents is not None
    if isinstance(one, ast.Name):
        if one.id in contents.definitions:
            return module, one.id
        return _imported(contents.imported.get(one.id))
    if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name):
        base = contents.imported.get(one.value.id)
        if base is not None:
            return _imported((f"{base[0]}.{base[1]}".strip("."), one.attr))
    return None


def _imported(target: Node | None) -> Node | None:
    """The definition behind an import, through modules that hand it on."""
    for _ in range(5):
        contents = _module(target[0]) if target is not None else None
        if target is None or contents is None:
            return None
        if target[1] in contents.definitions:
            return target
        target = contents.imported.get(target[1])
    return None


@cache
def _faults(node: Node) -> frozenset[Fault]:
    """The errors made in a function or class: the code that stands there, or the kind itself if none does."""
    tree = _node(node)
    found: set[Fault] = set()
    for one in ast.walk(tree) if tree is not None else ():
        if not isinstance(one, ast.Call):
            continue
        kind = _KIND.get(getattr(one.func, "id", ""))
        if kind is None or kind == "ERROR":
            continue
        given = next((key.value for key in one.keywords if key.arg == "code"), None)
        if isinstance(given, ast.IfExp | ast.Constant):
            choices = (given.body, given.orelse) if isinstance(given, ast.IfExp) else (given,)
            found |= {(kind, str(choice.value)) for choice in choices if isinstance(choice, ast.Constant)}
        elif given is not None and kind == "FACT_REFUSED":
            found |= {(kind, refusal.value) for refusal in RefusalCode}
        else:
            found.add((kind, kind))
    return frozenset(found)
