"""JSON Schema (2020-12, as OpenAPI 3.1 takes it) of every event, request and answer, from their marshmallow schemas.

`event(name)`, `request(method)`, `answer(method)` give one schema each, with everything in place; `bundle()` gives all
of them by name and version, which is what `catalogue/schemas.json` holds and what published versions are compared by.

What such a schema takes the suite takes, unless a condition stands against it that JSON Schema cannot say: a schema
with such conditions names them in `x-also-checked`. What the suite sends such a schema takes. The suite itself is a
little more lenient than its schemas (it reads `"5"` as 5): nobody should build on that.
"""

from __future__ import annotations

from .build import Builder, Components, about, answer, event, event_in, request
from .bundle import bundle, code_lists
from .envelope import envelope

__all__ = [
    "Builder",
    "Components",
    "about",
    "answer",
    "bundle",
    "code_lists",
    "envelope",
    "event",
    "event_in",
    "request",
]
