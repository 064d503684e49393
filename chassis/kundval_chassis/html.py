"""What a service shows as a page: a template on the one base (`templates/base.html`), with words by language.

A service has `templates/page.html` and `texts/<lang>.toml` beside the module that renders. The base needs no script,
sets nothing and loads nothing; it is to be read on a screen, by a screen reader and on paper.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template


@dataclass(frozen=True)
class Words:
    """The words of one language. A code that has no words is shown as it is."""

    lang: str
    words: Mapping[str, Any]

    def say(self, key: str, **values: object) -> str:
        """The text of that key with its places filled in; raises KeyError for one that there is not."""
        return str(self.words["page"][key]).format(**values)

    def of(self, table: str, code: str) -> str:
        return str(self.words[table].get(code, code))


@cache
def read_words(package: str, lang: str) -> Mapping[str, Any]:
    """`texts/<lang>.toml` of a package; raises FileNotFoundError for a language that there is not."""
    found: Mapping[str, Any] = tomllib.loads(files(package).joinpath(f"texts/{lang}.toml").read_text(encoding="utf-8"))
    return found


def form(text: str | Mapping[str, str], number: int | None) -> str:
    """A text, or of one that has two forms (`one`, `other`) that for so many."""
    return text if isinstance(text, str) else text["one" if number == 1 else "other"]


@cache
def template(package: str, name: str = "page.html") -> Template:
    """A template of a package. What it is given is escaped; a name that it is not given is an error."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package, "templates"), PackageLoader("kundval_chassis", "templates")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
