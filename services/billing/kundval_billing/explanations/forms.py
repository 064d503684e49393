"""A told tree as text for a terminal and as a page that can be sent: nothing but the tree's own JSON and words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from textwrap import wrap
from typing import Any

from kundval_chassis.html import template

from .tell import last_day
from .words import Telling, words_of

WIDTH = 100
Json = dict[str, Any]


def page(tree: Json, lang: str) -> str:
    """A self-contained HTML page: it loads nothing, needs no script, and can be printed. Equal trees, equal bytes."""
    words = words_of(lang)
    return template(__package__).render(
        lang=lang,
        skip_to="explanation",
        title=title(tree, words),
        tree=tree,
        say=words.say,
        word=words.of,
        kronor=lambda amount: words.kronor(Decimal(amount)),
        operation=lambda step: operation(step, words),
        result=lambda step: words.number(Decimal(step["result"]), 2),
        period=lambda one: period(one, words),
    )


def render(tree: Json, lang: str) -> str:
    """The tree as indented text of at most `WIDTH` columns."""
    words = words_of(lang)
    return "\n".join([title(tree, words), *_tree(tree, words, "  ")]) + "\n"


def title(tree: Json, words: Telling) -> str:
    line = words.of("line", tree["kind"])
    key = "title_line" if tree["about"] == "LINE" else "title_posting"
    return words.say(key, line=line, sequence=tree["sequence"], assignment=tree["assignment"], run=tree["run"])


def period(tree: Json, words: Telling) -> str:
    if tree["from"] is None or tree["to"] is None:
        return words.say("no_period")
    return words.say("period_text", start=tree["from"], last=last_day(tree["to"]))


def operation(step: Json, words: Telling) -> str:
    """What a step does to what stands so far: "+ 8,000.00", "× 21 / 31"."""
    parts = []
    if step["amount"] is not None:
        amount = Decimal(step["amount"])
        parts.append(f"{'−' if amount < 0 else '+'} {words.number(abs(amount), 2)}")
    parts += [
        f"{sign} {words.number(Decimal(step[name]))}"
        for sign, name in (("×", "factor"), ("/", "divisor"))
        if step[name] is not None
    ]
    return " ".join(parts)


def _tree(tree: Json, words: Telling, indent: str) -> Iterator[str]:
    say = words.say
    head = [(say("provider"), tree["provider"]), (say("period"), period(tree, words))]
    head.append((say("amount"), words.kronor(Decimal(tree["amount"]))))
    if tree["status"] is not None:
        head.append((say("status"), words.of("status", tree["status"])))
    head += [(say(key), tree[key]) for key in ("payable_from", "run", "entry", "reverses") if tree[key] is not None]
    for name, value in head:
        yield f"{indent}{name}: {value}"
    yield from _folded(indent, f"{say('why')}: {tree['text']}")
    if tree["tariff"] is not None:
        yield from _folded(indent, f"{say('tariff_name')}: {tree['tariff']['text']}")
    yield f"{indent}{say('rules')} ({tree['ruleset']})"
    for rule in tree["rules"]:
        yield from _folded(f"{indent}  ", f"{rule['id']}  {rule['title']} ({rule['source']})")
    if tree["conditions"]:
        yield f"{indent}{say('conditions')}"
        for one in tree["conditions"]:
            asked = f" [{', '.join(one['rules'])}]" if one["rules"] else ""
            yield from _folded(f"{indent}  ", f"{words.of('met', one['met'])}: {one['text']}{asked}")
    yield from _facts(tree["facts"], say("facts"), indent)
    yield from _facts(tree["learned"], say("learned"), indent)
    yield f"{indent}{say('calculation')}"
    for step in tree["steps"]:
        result = words.number(Decimal(step["result"]), 2)
        yield from _folded(f"{indent}  ", f"{operation(step, words)} = {result}  {step['text']}")
        yield from _facts(step["facts"], say("facts_of_step"), f"{indent}    ")
        if step["posting"] is not None:
            yield f"{indent}    {say('posted_before', run=step['posting']['run'])}"
            yield from _tree(step["posting"], words, f"{indent}      ")
    yield f"{indent}  = {words.kronor(Decimal(tree['amount']))}"


def _facts(facts: Iterable[Json], name: str, indent: str) -> Iterator[str]:
    rows = list(facts)
    if rows:
        yield f"{indent}{name}"
    for fact in rows:
        yield from _folded(f"{indent}  ", fact["text"])


def _folded(indent: str, text: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_long_words=False)
