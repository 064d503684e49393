"""What a notice would look like, with sample data: as it would leave, by the texts in use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kundval_contracts.codes import DeliveryChannel, NoticeKind, Role

from ..channels.port import Content
from . import inside, languages, library, nudge, nudge_key, sample


def preview(
    kind: NoticeKind,
    to: Role,
    lang: str,
    channel: DeliveryChannel,
    *,
    count: int = 1,
    digest: bool = False,
    late: bool = False,
) -> Content:
    """The sample notice of a kind on a channel. `count`: so many in one, on an open channel.

    Raises LookupError if the role is not told of the kind.
    """
    if to not in sample.roles(kind):
        raise LookupError(f"{kind} is not told to {to}")
    if channel.is_open:
        return nudge([sample.item(kind, to)] * count, lang, channel, sample.LINK, digest=digest, late=late)
    return inside(sample.notice(kind, to), lang, sample.LINK, sample.history(kind), late=late)


def as_answer(content: Content) -> dict[str, Any]:
    """The answer of `notifications.preview`."""
    held = [library().by_code[code] for code in content.language.split("+")]
    return {
        "language": content.language,
        "direction": held[0].direction,
        "proofread": all(one.proofread for one in held),
        "subject": content.subject,
        "text": content.text,
        "html": content.html,
        "template": content.template,
        "version": content.version,
    }


def everything() -> Iterator[tuple[str, Content]]:
    """Every text of every language once, by the path of a file without its ending."""
    for lang in languages():
        seen: set[str] = set()
        for kind in NoticeKind:
            for to in sample.roles(kind):
                for channel in (DeliveryChannel.EMAIL, DeliveryChannel.SMS):
                    name = f"{lang}/{channel.value.lower()}/{nudge_key([sample.item(kind, to)])}"
                    if name not in seen:
                        seen.add(name)
                        yield name, preview(kind, to, lang, channel)
                content = preview(kind, to, lang, DeliveryChannel.INBOX)
                if content.language == lang:
                    yield f"{lang}/inside/{kind}.{to}", content
        for channel in (DeliveryChannel.EMAIL, DeliveryChannel.SMS):
            folder = f"{lang}/{channel.value.lower()}"
            yield f"{folder}/several", preview(NoticeKind.DECISION, Role.CLIENT, lang, channel, count=3)
            yield f"{folder}/late", preview(NoticeKind.DECISION, Role.CLIENT, lang, channel, late=True)
            yield (
                f"{folder}/digest",
                preview(NoticeKind.STARTED, Role.CAREER_GUIDE, lang, channel, count=7, digest=True),
            )


def write_all(folder: Path) -> int:
    """Every preview as files, subject and text as ``.txt``, a page as ``.html``; how many previews. Raises OSError."""
    count = 0
    for name, content in everything():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Path(f"{path}.txt").write_text(as_text(content), encoding="utf-8")
        if content.html is not None:
            Path(f"{path}.html").write_text(content.html, encoding="utf-8")
        count += 1
    return count


def as_text(content: Content) -> str:
    """Subject and text, as a person looks at them."""
    return f"{content.subject}\n\n{content.text.rstrip()}\n"
