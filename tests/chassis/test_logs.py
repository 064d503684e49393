"""Logs: JSON lines with ids, and nothing personal in them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from kundval_chassis import context, logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    out = io.StringIO()
    logs.configure("DEBUG", service="billing", stream=out)
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def log() -> Any:
    # not the module's: loggers remember the configuration of their first use
    return structlog.get_logger("test")


def test_a_line_is_json_with_time_level_service_and_what_happened(stream: io.StringIO) -> None:
    log().info("posted", count=3)
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["service"], line["count"]) == ("posted", "info", "billing", 3)
    assert line["time"].endswith("Z")


def test_a_line_carries_the_ids_of_the_work_in_hand(stream: io.StringIO) -> None:
    with context.working(correlation="corr-1", trace="00-" + "a" * 32 + "-" + "b" * 16 + "-01"):
        log().info("posted")
    log().info("idle")
    first, second = lines(stream)
    assert (first["correlation_id"], first["trace_id"]) == ("corr-1", "a" * 32)
    assert len(first["span_id"]) == 16
    assert "correlation_id" not in second


@pytest.mark.parametrize(
    "key",
    ["name", "Name", "personal_identity_number", "personnummer", "address", "text", "data", "body", "email", "token",
     "birth_date", "first_name", "free_text", "password", "database-uri"[-3:]],
)  # fmt: skip
def test_what_may_be_personal_or_secret_is_left_out_at_any_depth(stream: io.StringIO, key: str) -> None:
    log().info("seen", **{key: "Anna"}, nested={"deep": [{key: "Anna"}]}, ok="A-001")
    assert "Anna" not in stream.getvalue()
    (line,) = lines(stream)
    assert line["ok"] == "A-001"


def test_an_exception_is_shown_by_type_and_place_and_not_by_its_text(stream: io.StringIO) -> None:
    try:
        raise ValueError("Anna Andersson, 900517-1234")
    except ValueError:
        log().exception("failed")
    try:
        try:
            raise KeyError("Anna")
        except KeyError as error:
            raise RuntimeError("Anna") from error
    except RuntimeError as error:
        log().error("failed", exc_info=error)
    assert "Anna" not in stream.getvalue()
    first, second = lines(stream)
    assert first["error"] == "builtins.ValueError"
    assert "test_logs.py" in first["stack"][-1]
    assert second["cause"] == "builtins.KeyError"


def test_a_library_that_logs_its_arguments_shows_none_of_them(stream: io.StringIO) -> None:
    logging.getLogger("kombu.mixins").error("Can't decode message body: %r", "Anna Andersson")
    try:
        raise ValueError("Anna")
    except ValueError:
        logging.getLogger("elsewhere").exception("went wrong for %s", "Anna")
    assert "Anna" not in stream.getvalue()
    first, second = lines(stream)
    assert (first["event"], first["logger"]) == ("Can't decode message body: %r", "kombu.mixins")
    assert second["error"] == "builtins.ValueError"


def test_an_object_is_shown_by_its_type(stream: io.StringIO) -> None:
    class Client:
        def __repr__(self) -> str:
            return "Client(Anna)"

    log().info("seen", what=Client(), several=[Client()])
    assert "Anna" not in stream.getvalue()
    assert lines(stream)[0]["what"] == "Client"


def test_swedish_letters_stay_as_they_are(stream: io.StringIO) -> None:
    log().info("seen", municipality="Lilla Edet åäö")
    assert "åäö" in stream.getvalue()


def test_what_is_below_the_level_is_not_written() -> None:
    out = io.StringIO()
    try:
        logs.configure("WARNING", stream=out)
        log().info("quiet")
        logging.getLogger("x").info("quiet")
        log().warning("loud")
    finally:
        structlog.reset_defaults()
        logging.getLogger().handlers[:] = []
    assert [line["event"] for line in lines(out)] == ["loud"]


def test_a_log_line_is_one_line_whatever_is_in_it(stream: io.StringIO) -> None:
    log().info("seen", value="a\nb\r\n\u2028c")
    assert len([line for line in stream.getvalue().split("\n") if line]) == 1
