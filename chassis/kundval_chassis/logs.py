"""Structured logs: one JSON object a line on standard error, with service, correlation and trace ids.

Nothing personal may reach a log. Two guards see to it: values under keys that could hold personal data are
dropped whoever logs them, and an exception is shown by its type and where it was raised, never by its message,
which may quote a row or a request.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from types import TracebackType
from typing import Any, TextIO

import structlog

from . import context

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

#: keys whose values never reach a log line, at any depth; compared in lower case without underscores
PERSONAL = frozenset(
    {
        "name", "firstname", "lastname", "givenname", "familyname", "personalidentitynumber", "personnummer", "pnr",
        "ssn", "identity", "birthdate", "dateofbirth", "address", "street", "postcode", "city", "email", "phone",
        "telephone", "mobile", "text", "freetext", "comment", "note", "reason", "because", "body", "data",
        "payload", "request", "answer", "result", "kwargs", "args", "client", "plan", "message_body", "messagebody",
        "token", "authtoken", "password", "secret", "authorization", "uri",
    }
)  # fmt: skip
REDACTED = "[left out]"

Event = MutableMapping[str, Any]


def configure(level: str = "INFO", *, service: str | None = None, stream: TextIO | None = None) -> None:
    """Send the process' logs, ours and the libraries', to `stream` (standard error) as JSON lines."""
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        add_context,
        show_exception,
        _naming(service),
    ]
    renderer: list[Any] = [redact, structlog.processors.JSONRenderer(ensure_ascii=False, default=_shown)]
    output = stream or sys.stderr
    # ours go straight to the stream: the standard library's way there costs more than the rest of a log line
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *shared, *renderer],
        logger_factory=structlog.WriteLoggerFactory(output),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[from_library, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("amqp", "kombu", "nameko", "psycopg.pool", "eventlet"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))


def get(name: str) -> Any:
    """A logger; `log.info("what_happened", key=value)`. The event is a fixed word, values go under keys."""
    return structlog.get_logger(name)


def add_context(logger: Any, method: str, event: Event) -> Event:
    """Add the correlation id and the trace of the work in hand."""
    if (correlation := context.correlation_id.get()) is not None:
        event.setdefault("correlation_id", correlation)
    if (trace := context.traceparent.get()) is not None:
        event.setdefault("trace_id", trace[3:35])
        event.setdefault("span_id", trace[36:52])
    return event


def redact(logger: Any, method: str, event: Event) -> Event:
    """Leave out what may be personal."""
    for key, value in event.items():
        if _personal(key):
            event[key] = REDACTED
        elif not isinstance(value, _PLAIN):
            event[key] = _clean(value)
    return event


def show_exception(logger: Any, method: str, event: Event) -> Event:
    """`exc_info` as type, SQLSTATE and stack; the message is not shown, it may quote data."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    elif isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    if isinstance(info, tuple) and info[1] is not None:
        event.update(described(info[1], info[2]))
    return event


def described(error: BaseException, trace: TracebackType | None = None) -> dict[str, Any]:
    """What a log may say about an exception."""
    shown: dict[str, Any] = {"error": f"{type(error).__module__}.{type(error).__qualname__}"}
    code = getattr(error, "code", None) or getattr(error, "sqlstate", None)
    if isinstance(code, str):
        shown["error_code"] = code
    constraint = getattr(getattr(error, "diag", None), "constraint_name", None)
    if constraint:
        shown["constraint"] = constraint
    frames = traceback.extract_tb(trace or error.__traceback__)
    if frames:
        shown["stack"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]]
    cause = error.__cause__ or error.__context__
    if cause is not None and cause is not error:
        shown["cause"] = f"{type(cause).__module__}.{type(cause).__qualname__}"
    return shown


def from_library(logger: Any, method: str, event: Event) -> Event:
    """A line of a library: its template instead of the finished text, whose arguments may quote a message."""
    record = event.get("_record")
    if record is not None:
        event["event"] = str(record.msg)[:200]
        event["logger"] = record.name
        if record.exc_info:
            event["exc_info"] = record.exc_info
    return event


def _naming(service: str | None) -> Any:
    # not a context variable: each green thread begins with an empty context
    def name(logger: Any, method: str, event: Event) -> Event:
        if service is not None:
            event.setdefault("service", service)
        return event

    return name


_PLAIN = (str, int, float, type(None))


@lru_cache(4096)
def _personal(key: object) -> bool:
    return isinstance(key, str) and key.lower().replace("_", "").replace("-", "") in PERSONAL


def _clean(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: REDACTED if _personal(key) else _clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(inner) for inner in value]
    return value


def _shown(value: Any) -> str:
    # no repr: an object's repr may hold its fields
    return value.isoformat() if hasattr(value, "isoformat") else type(value).__name__
