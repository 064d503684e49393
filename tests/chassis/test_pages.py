"""Pages for who has an address and no token, from a real process; and answers that are told once."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message

import psycopg
import pytest

from kundval_chassis import hooks
from kundval_chassis.limiter import Limiter
from kundval_chassis.pages import A_MINUTE

from .probing import TENANT, Probe, probing, wait_for


@pytest.fixture(scope="module")
def probe(vhost: str, database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    yield from probing(vhost, database, tmp_path_factory.mktemp("probe"))


def ask(
    probe: Probe, path: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, Message, bytes]:
    """Status, headers and body; a header `If_None_Match` is sent with hyphens."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    asked = urllib.request.Request(f"http://127.0.0.1:{probe.port}{path}", body, given, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_a_page_is_for_its_reader_alone_and_for_no_search_engine(probe: Probe) -> None:
    status, headers, body = ask(probe, "/shelf/book")
    assert (status, body) == (200, b"page\n" * 1000)
    assert headers["Content-Type"] == "text/plain"
    assert headers["Content-Length"] == str(len(body))
    assert headers["Cache-Control"] == "private, no-cache"
    assert headers["X-Robots-Tag"] == "noindex, nofollow, noarchive"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_who_has_the_page_is_told_that_it_is_the_same(probe: Probe) -> None:
    tag = ask(probe, "/shelf/book")[1]["ETag"]
    assert tag == 'W/"book-1"'
    for known in (tag, f'"other", {tag}', '"book-1"', "*"):
        status, headers, body = ask(probe, "/shelf/book", If_None_Match=known)
        assert (status, headers["ETag"], body) == (304, tag, b"")
    for known in ('"book-2"', "book-1", ""):
        assert ask(probe, "/shelf/book", If_None_Match=known)[0] == 200


def test_a_head_is_answered_without_the_page_and_nothing_is_taken_in(probe: Probe) -> None:
    status, headers, body = ask(probe, "/shelf/book", "HEAD")
    assert (status, headers["Content-Length"], body) == (200, "5000", b"")
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert ask(probe, "/shelf/book", method)[0] == 405


@pytest.mark.parametrize("name", ["nothing", "", "a/b", "..", "%00", "book%C3%A5", "x" * 201, "book?x=1%0d%0aY:1"])
def test_what_there_is_not_is_answered_with_nothing(probe: Probe, name: str) -> None:
    status, _, body = ask(probe, f"/shelf/{name}")
    if name.startswith("book?"):
        assert (status, len(body)) == (200, 5000)
    else:
        assert (status, body) == (404, b"")


def test_a_page_that_fails_or_is_too_large_says_no_word_and_writes_no_name(probe: Probe) -> None:
    for name in ("crash", "endless"):
        status, headers, body = ask(probe, f"/shelf/{name}")
        assert (status, headers["Retry-After"], body) == (503, "60", b"")
    wait_for(lambda: len(probe.logged("page_failed")) == 2)
    log = probe.log.read_text()
    for word in ("Anna", "crash", "endless", "book"):
        assert word not in log
    assert probe.ready()


def test_who_asks_too_often_has_to_wait_and_others_have_not(probe: Probe) -> None:
    found = [ask(probe, "/shelf/often")[0] for _ in range(A_MINUTE + 2)]
    assert found == [404] * A_MINUTE + [429] * 2
    status, headers, body = ask(probe, "/shelf/often")
    assert (status, body) == (429, b"") and 0 < int(headers["Retry-After"]) <= 60
    assert ask(probe, "/shelf/seldom")[0] == 404
    assert 'kundval_pages_total{service="probe",status="429"} 3.0' in probe.get("/metrics")[1]


def test_what_is_posted_to_a_secret_address_is_taken_in_and_nothing_is_said(probe: Probe) -> None:
    for name, body, status in (
        ("secret-1", b"one", 204),
        ("secret-2", b"two", 204),
        ("secret-2", b"one", 400),
        ("secret-1", b"", 400),
        ("secret-3", b"one", 404),
        ("", b"one", 404),
        ("secret-1/", b"one", 404),
        ("secret-1", bytes(hooks.LARGEST + 1), 413),
        ("secret-1", b"crash", 503),
    ):
        assert (ask(probe, f"/letterbox/{name}", "POST", body)[0::2]) == (status, b""), name
    for method in ("PUT", "DELETE", "PATCH"):
        assert ask(probe, "/letterbox/secret-1", method, b"one")[0] == 405
    for method in ("GET", "HEAD"):
        assert ask(probe, "/letterbox/secret-1", method)[0] == 404
    wait_for(lambda: probe.logged("hook_failed"))
    log = probe.log.read_text()
    assert not [word for word in ("Anna", "crash", "secret-1") if word in log]
    assert probe.ready()


def test_a_body_without_a_length_or_shorter_than_it_says_is_not_waited_for(probe: Probe) -> None:
    for head, status in (
        (b"Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n", b"411"),
        (b"Content-Length: three\r\n\r\none", b"400"),
        (b"Content-Length: 4\r\n\r\none", b"400"),
    ):
        with socket.create_connection(("127.0.0.1", probe.port), timeout=20) as caller:
            caller.sendall(b"POST /letterbox/secret-1 HTTP/1.1\r\nHost: x\r\n" + head)
            caller.shutdown(socket.SHUT_WR)
            assert caller.recv(100).split()[1] == status


def test_a_secret_in_an_answer_is_told_once_and_kept_nowhere(probe: Probe, database: str) -> None:
    with probe.client() as client:
        first = client.call("probe.tell", tenant=TENANT, idempotency_key="tell-1")
        again = client.call("probe.tell", tenant=TENANT, idempotency_key="tell-1")
    assert first["secret"] == "open sesame"
    assert again == {"secret": None, "number": first["number"]}
    with psycopg.connect(database) as connection:
        kept = connection.execute("SELECT answer::text FROM idempotency").fetchall()
    assert kept and "sesame" not in str(kept)
    assert "sesame" not in probe.log.read_text()


def test_a_limiter_lets_a_key_through_so_often_in_its_time() -> None:
    now = [100.0]
    limiter = Limiter(2, seconds=60, keys=3, clock=lambda: now[0])
    assert [limiter.wait(b"a"), limiter.wait(b"a"), limiter.wait(b"b")] == [0, 0, 0]
    now[0] += 20
    assert limiter.wait(b"a") == 40
    now[0] += 40
    assert limiter.wait(b"a") == 0


def test_a_limiter_forgets_the_key_that_was_asked_for_longest_ago() -> None:
    limiter = Limiter(1, keys=2, clock=lambda: 0.0)
    assert [limiter.wait(key) for key in (b"a", b"b", b"a", b"c", b"b")] == [0, 0, 60, 0, 0]
