"""Text at the way in: what an id may look like, and what no database and no other system takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import validate

from .errors import Fault

#: An opaque id: short and without spaces, so that no name or sentence travels in one.
_IDENTIFIER = r"\A[\w.:@/+-]{1,100}\Z"
IDENTIFIER = validate.Regexp(_IDENTIFIER, error="not an identifier")

#: A NUL, which PostgreSQL cannot store, and halves of surrogate pairs, which UTF-8 does not have.
_UNFIT = re.compile("[\x00\ud800-\udfff]")


def is_identifier(text: str) -> bool:
    """Whether it looks as an opaque id does."""
    return re.match(_IDENTIFIER, text) is not None


def unfit_text(value: Any, path: str = "") -> Iterator[Fault]:
    """A fault for every string inside `value` that cannot be stored, map keys included."""
    if isinstance(value, str):
        if _UNFIT.search(value):
            yield Fault(path=path, message="holds characters that are not text")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if isinstance(key, str) and _UNFIT.search(key):
                yield Fault(path=path, message="has a key that is not text")
            else:
                yield from unfit_text(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from unfit_text(inner, f"{path}[{place}]")
