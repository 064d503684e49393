"""The template of the tripartite agreement: fields to fill in, and the same as text to be printed and signed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from kundval_contracts.rules import rule

#: What an agreement must contain (AMI-6.3.1-c), by the names that the fact `placement_started` uses.
MANDATORY = ("schedule", "tasks", "follow_up")


@cache
def _text(language: str) -> Mapping[str, Any]:
    """The file `templates/agreement.<language>.toml`."""
    path = files(__package__).joinpath(f"templates/agreement.{language}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


@rule("AMI-6.3.1-e")
def template(language: str, known: Mapping[str, str | None]) -> dict[str, Any]:
    """Title, fields, signatures and text; `known` are ids by field, every other field is left to be filled in."""
    words = _text(language)
    fields = [{**field, "value": known.get(field["name"])} for field in words["fields"]]
    lines = [words["title"], "", *_wrapped(words["intro"].strip()), ""]
    for field in fields:
        lines += [f"{field['label']}: {field['value'] or words['blank']}"]
        if field["value"] is None:
            lines += [f"  ({field['help']})"]
        lines += [""]
    for signature in words["signatures"]:
        lines += [f"{signature['label']}: {words['blank']}", ""]
    return {
        "title": words["title"],
        "fields": fields,
        "signatures": words["signatures"],
        "text": "\n".join(lines).strip() + "\n",
    }


def _wrapped(text: str, width: int = 78) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
