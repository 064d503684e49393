"""Messages to the employment service on a real database, to a real HTTPS server that asks for our certificate."""

from __future__ import annotations

import itertools
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from kundval_assignment import gate, record
from kundval_assignment.people import persons
from kundval_assignment.to_af import answers, look, store, write
from kundval_assignment.to_af.folder import Folder
from kundval_assignment.to_af.port import Accepted, Parcel, Port
from kundval_assignment.to_af.post import AfPost
from kundval_assignment.to_af.sending import Patience, Sender, Sign
from kundval_assignment.to_af.web import Web
from kundval_chassis.db import Pool
from kundval_chassis.tokens import Caller
from kundval_chassis.web import trusting
from kundval_contracts.codes import (
    AfEnvironment,
    ConsentScope,
    DataKind,
    FactKind,
    LegalBasis,
    Programme,
    Purpose,
)
from kundval_contracts.errors import Conflict, FactRefused, Forbidden, InvalidRequest, NotFound, Unavailable
from kundval_contracts.events import EVENTS
from kundval_contracts.rpc import METHODS, CallerRole
from tests.acceptance.builders import client as about_client
from tests.acceptance.builders import exited, fact
from tests.notifications.servers import HOST, Certificates, free_port

from .gated import KEYS, Place, dumped, prepared

_number = itertools.count(1)
NUMBER = "199010102383"
#: written by somebody about somebody: must be nowhere but sealed, and nowhere at all after its time
WORDS, COMMENT = "has-agreed-with-Marja", "not-enough-about-Marja"
GOAL = "work within a year"
GUIDE = Caller("guide-1", CallerRole.CAREER_GUIDE, None, "work")
WORKER = Caller("worker-1", CallerRole.CASE_WORKER, None, "work")
SIGN = Sign("system-7", AfEnvironment.T1)
AT_ONCE = Patience(retry=(0, 0), away=(0,), lease=0)


@pytest.fixture(scope="module")
def pool(database: str) -> Iterator[Pool]:
    with prepared(database) as made:
        yield made


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


# --- a municipality with a client ------------------------------------------------------------------------


class Office:
    """A municipality with one client, of whom alfa is in charge, and what people and the sender do."""

    def __init__(self, pool: Pool, programme: Programme = Programme.AMI_2, start: str = "2024-03-15"):
        self.pool, self.start = pool, start
        self.place = Place(pool, f"t{next(_number)}")
        self.place.open()
        self.place.day(start)
        self.name = f"A-{next(_number)}"
        with self.place.tx() as (tx, tenant):
            self.person = persons.register(tx, KEYS, tenant, {"identity_number": NUMBER})
            row = {"id": self.name, "programme": programme, "client": about_client(), "plan": None}
            record.register(tx, tenant, [{**row, "delivery_area": None}])
            persons.link_new(tx, KEYS, tenant, {self.name: self.person})
        self.state("decided")
        self.state("results_shown")
        self.state("provider_chosen", provider="alfa")
        self.state("accepted")
        self.state("started")

    def state(self, kind: str, on: str | None = None, **fields: Any) -> None:
        self.place.state(self.name, fact(on or self.today, kind, **fields))

    @property
    def today(self) -> str:
        with self.place.tx() as (_, tenant):
            return str(tenant.business_date)

    def day(self, day: str) -> None:
        """Open a day as the service does."""
        self.place.day(day)
        with self.place.tx() as (tx, tenant):
            write.expire(tx, tenant)

    def ground(self, what: DataKind = DataKind.REPORT, purpose: Purpose = Purpose.COMMISSION, **more: Any) -> str:
        fields = {"basis": LegalBasis.PUBLIC_TASK, "requester": "guide-1", "expires_on": date(2025, 1, 1), **more}
        return self.place.ground(self.person, what=what, purpose=purpose, **fields)

    def draft(self, kind: str, content: Mapping[str, Any] | None = None, caller: Caller = GUIDE, **more: Any) -> str:
        raw = {"tenant": self.place.name, "assignment": self.name, "kind": kind, "content": dict(content or {}), **more}
        request = METHODS["assignment.draft_af_report"].load(raw)
        with self.place.tx() as (tx, tenant):
            return str(write.draft(tx, KEYS, tenant, request, caller)["dispatch"])

    def submit(self, dispatch: str, caller: Caller = GUIDE) -> dict[str, Any]:
        with self.place.tx() as (tx, tenant):
            return dict(write.submit(tx, tenant, KEYS, dispatch, caller))

    def resend(self, dispatch: str) -> None:
        with self.place.tx() as (tx, tenant):
            write.resend(tx, tenant, KEYS, dispatch, GUIDE)

    def park(self, dispatch: str) -> None:
        with self.place.tx() as (tx, tenant):
            write.park(tx, tenant, dispatch)

    def answer(self, dispatch: str, kind: str, feedback: str | None = None, **more: Any) -> str:
        raw = {"feedback": feedback or f"fb-{next(_number)}", "kind": kind, "on": self.today, **more}
        if "tracking" not in raw:
            raw["dispatch"] = dispatch
        request = METHODS["assignment.af_feedback"].load({"tenant": self.place.name, **raw})
        with self.place.tx() as (tx, tenant):
            return str(answers.take_in(tx, KEYS, tenant, request)["state"])

    def row(self, dispatch: str) -> dict[str, Any]:
        with self.place.tx() as (tx, _):
            found = store.one(tx, self.place.name, dispatch)
        assert found is not None
        return dict(found)

    def outcomes(self, dispatch: str) -> list[Any]:
        with self.place.tx() as (tx, _):
            return [row["outcome"] for row in store.attempts(tx, self.place.name, dispatch)]

    def facts(self, kind: FactKind) -> list[dict[str, Any]]:
        with self.place.tx() as (tx, tenant):
            held = record.one(tx, tenant, self.name)
        return [dict(one.fact.data) for one in held.stated.values() if one.fact.kind is kind and one.in_effect]

    def sender(self, port: Port, patience: Patience = AT_ONCE) -> Sender:
        return Sender(self.pool, KEYS, port, SIGN, patience=patience)


def work(sender: Sender, times: int = 1) -> None:
    for _ in range(times):
        sender.work()


@pytest.fixture
def office(pool: Pool) -> Office:
    with pool.tx() as tx:
        # what other tests have left lies before it in the queue of the database
        tx.execute("UPDATE af_dispatch SET state = 'PARKED' WHERE state = 'READY'")
        store.close_circuit(tx)
    return Office(pool)


def plan(**more: Any) -> dict[str, Any]:
    activity = {"activity": 175, "name": "Coaching", "description": WORDS}
    return {"order": "O-1", "planned_on": "2021-03-03", "activities": [activity], **more}


@pytest.fixture
def supplier(office: Office) -> Office:
    """The same where the intervention is the employment service's, begun on Monday 1 March 2021."""
    made = Office(office.pool, Programme.SOM_1, "2021-03-01")
    made.ground(expires_on=date(2021, 6, 1))
    return made


# --- the employment service ------------------------------------------------------------------------------


class Agency:
    """A server that takes messages over TLS from who shows a certificate. `got`: what it has taken, by tracking id;
    `calls`: every message that reached it. `answers` holds what it does with the next ones, 202 if there is nothing.
    """

    def __init__(self, certificates: Certificates):
        self.certificates, self.port = certificates, free_port()
        self.got: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.answers: list[Callable[[Any], None]] = []
        self._server: ThreadingHTTPServer | None = None

    def open(self) -> None:
        agency = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                tracking = self.headers["Tracking-Id"]
                agency.calls.append((self.path, dict(self.headers), body))
                if tracking in agency.got:
                    return reply(409)(self)
                (agency.answers.pop(0) if agency.answers else reply(202, {"receipt": "r-1"}))(self)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer((HOST, self.port), Handler)
        server.socket = self.certificates.server(ask_client=True).wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        self._server = server

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def web(self, context: ssl.SSLContext | None = None) -> Web:
        one = self.certificates
        context = context or trusting(one.authority, one.client, one.client_key)
        return Web(f"https://localhost:{self.port}/in", context, silence=0.4)


def reply(status: int, body: Any = None, **headers: str) -> Callable[[Any], None]:
    def answer(handler: Any) -> None:
        text = json.dumps(body or {}).encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    return answer


@pytest.fixture
def agency(certificates: Certificates) -> Iterator[Agency]:
    made = Agency(certificates)
    made.open()
    yield made
    made.close()


def taken(agency: Agency, then: Callable[[Any], None]) -> Callable[[Any], None]:
    """The message is taken, and then something happens to the answer."""

    def answer(handler: Any) -> None:
        _, headers, body = agency.calls[-1]
        agency.got[headers["Tracking-Id"]] = body
        then(handler)

    return answer


def lost(handler: Any) -> None:
    handler.close_connection = True
    handler.connection.close()


# --- by HTTPS --------------------------------------------------------------------------------------------


def test_a_message_goes_with_its_headers_and_comes_back_received_and_approved(supplier: Office, agency: Agency) -> None:
    dispatch = supplier.draft("JOINT_PLANNING", plan())
    assert dispatch.endswith("_0") and supplier.row(dispatch)["due"] == date(2021, 3, 8)
    work(supplier.sender(agency.web()))
    assert agency.calls == []  # a draft does not leave
    submitted = supplier.submit(dispatch)
    assert (submitted["state"], submitted["late"], submitted["closing_window"]) == ("READY", False, None)
    work(supplier.sender(agency.web()))
    (path, headers, body) = agency.calls[0]
    assert path == f"/in/{supplier.place.name}/JOINT_PLANNING"
    assert headers["Tracking-Id"] == str(submitted["tracking"]) == str(UUID(headers["Tracking-Id"]))
    assert [headers[one] for one in ("System-Id", "End-User-Id", "Environment")] == ["system-7", "guide-1", "T1"]
    assert body == {
        "kind": "JOINT_PLANNING",
        "number": dispatch,
        "client": NUMBER,
        "late": False,
        "content": plan(),
    }
    row = supplier.row(dispatch)
    assert (row["state"], row["reference"], row["attempts"]) == ("SENT", "r-1", 1)
    assert supplier.answer(dispatch, "RECEIVED", order="O-1") == "RECEIVED"
    assert supplier.answer(dispatch, "APPROVED") == "APPROVED"
    with pytest.raises(Conflict, match="AF_ALREADY_OUT"):
        supplier.draft("JOINT_PLANNING", plan())


def test_a_duplicate_receipt_takes_effect_once_and_one_before_the_answer_is_believed(
    supplier: Office, agency: Agency
) -> None:
    dispatch = supplier.draft("JOINT_PLANNING", plan())
    tracking = supplier.submit(dispatch)["tracking"]

    def receipt_first(handler: Any) -> None:
        supplier.answer(dispatch, "RECEIVED", feedback="fb-1", tracking=str(tracking))
        reply(202)(handler)

    agency.answers = [receipt_first]
    work(supplier.sender(agency.web()))
    row = supplier.row(dispatch)
    assert (row["state"], supplier.outcomes(dispatch)) == ("RECEIVED", ["ACCEPTED"])
    assert supplier.answer(dispatch, "RECEIVED", feedback="fb-1") == "RECEIVED"
    assert supplier.row(dispatch)["revision"] == row["revision"]
    assert supplier.answer(dispatch, "APPROVED", feedback="fb-2") == "APPROVED"
    # the first one comes again, late: nothing goes back
    assert supplier.answer(dispatch, "RECEIVED", feedback="fb-1") == "APPROVED"
    with pytest.raises(Conflict, match="FEEDBACK_REUSED"):
        supplier.answer(dispatch, "NOT_APPROVED", feedback="fb-2")
    with pytest.raises(NotFound):
        supplier.answer("a-unknown_0", "RECEIVED")


def test_what_is_not_approved_is_written_again_with_the_next_suffix(supplier: Office, agency: Agency) -> None:
    first = supplier.draft("JOINT_PLANNING", plan())
    one = supplier.submit(first)
    work(supplier.sender(agency.web()))
    assert supplier.answer(first, "NOT_APPROVED", comment=COMMENT, order="O-1") == "NOT_APPROVED"
    supplier.day("2021-03-09")
    second = supplier.draft("JOINT_PLANNING", plan())
    assert second == first.removesuffix("_0") + "_1"
    assert supplier.row(first)["state"] == "NOT_APPROVED"
    two = supplier.submit(second)
    assert supplier.row(first)["state"] == "RESUBMITTED"
    # the deadline is that of the first, and this is one day after it
    assert (two["due"], two["late"]) == (date(2021, 3, 8), True)
    assert two["tracking"] != one["tracking"]
    work(supplier.sender(agency.web()))
    assert [body["number"] for _, _, body in agency.calls] == [first, second]
    assert agency.calls[-1][2]["late"] is True
    with supplier.place.tx() as (tx, tenant):
        shown = look.read(tx, KEYS, tenant, supplier.name, first, GUIDE)
    assert shown["content"] == plan()
    assert [(row["kind"], row["comment"], row["order"]) for row in shown["feedback"]] == [
        ("NOT_APPROVED", COMMENT, "O-1")
    ]


def test_while_nobody_answers_it_waits_and_is_not_given_up(supplier: Office, agency: Agency) -> None:
    dispatch = supplier.draft("JOINT_PLANNING", plan())
    supplier.submit(dispatch)
    agency.close()
    sender = supplier.sender(agency.web())
    work(sender, 6)
    row = supplier.row(dispatch)
    assert (row["state"], row["failures"], row["attempts"]) == ("READY", 0, 6)
    assert set(supplier.outcomes(dispatch)) == {"UNREACHABLE"}
    # with real pauses it is left alone for a while, and the operator sees why
    work(supplier.sender(agency.web(), Patience(away=(60,), lease=0)))
    with supplier.place.tx() as (tx, tenant):
        request = {"assignment": None, "state": None, "before": None, "limit": 10}
        queue = look.queue(tx, tenant, request)
    assert queue["open_circuit"] == row["trouble"] == "NewConnectionError"
    assert [(one["state"], one["attempts"]) for one in queue["dispatches"]] == [("READY", 7)]
    assert not {"content", "record", "person"} & set(queue["dispatches"][0])
    agency.open()
    work(sender)
    assert supplier.row(dispatch)["attempts"] == 7
    with supplier.pool.tx() as tx:
        store.close_circuit(tx)
    supplier.resend(dispatch)
    work(sender)
    assert supplier.row(dispatch)["state"] == "SENT"


def test_an_answer_that_is_lost_or_too_slow_is_asked_for_again_with_the_same_tracking_id(
    supplier: Office, agency: Agency
) -> None:
    dispatch = supplier.draft("JOINT_PLANNING", plan())
    tracking = str(supplier.submit(dispatch)["tracking"])
    agency.answers = [lambda handler: time.sleep(0.8), taken(agency, lost)]
    work(supplier.sender(agency.web()), 3)
    assert supplier.outcomes(dispatch) == ["PERHAPS", "PERHAPS", "ACCEPTED"]
    assert [headers["Tracking-Id"] for _, headers, _ in agency.calls] == [tracking] * 3
    assert list(agency.got) == [tracking]
    assert supplier.row(dispatch)["state"] == "SENT"


def test_after_so_many_attempts_it_is_given_up_until_somebody_sends_it_again(supplier: Office, agency: Agency) -> None:
    dispatch = supplier.draft("JOINT_PLANNING", plan())
    supplier.submit(dispatch)
    agency.answers = [reply(500)] * 3
    work(supplier.sender(agency.web()), 5)
    row = supplier.row(dispatch)
    assert (row["state"], row["trouble"], len(agency.calls)) == ("FAILED", "HTTP_500", 3)
    supplier.resend(dispatch)
    work(supplier.sender(agency.web()))
    assert supplier.row(dispatch)["state"] == "SENT"
    assert len({headers["Tracking-Id"] for _, headers, _ in agency.calls}) == 1


def test_what_is_refused_is_written_anew_under_the_same_number(supplier: Office, agency: Agency) -> None:
    dispatch = supplier.draft("JOINT_PLANNING", plan())
    supplier.submit(dispatch)
    agency.answers = [reply(422, {"says": NUMBER})]
    work(supplier.sender(agency.web()), 2)
    assert (supplier.row(dispatch)["state"], supplier.row(dispatch)["trouble"]) == ("FAILED", "HTTP_422")
    assert supplier.draft("JOINT_PLANNING", plan(order="O-2")) == dispatch
    supplier.submit(dispatch)
    work(supplier.sender(agency.web()))
    assert (agency.calls[-1][2]["content"]["order"], supplier.row(dispatch)["state"]) == ("O-2", "SENT")


def test_who_may_have_it_does_not_get_another_under_the_same_number(supplier: Office, agency: Agency) -> None:
    dispatch = supplier.draft("JOINT_PLANNING", plan())
    supplier.submit(dispatch)
    agency.answers = [taken(agency, lost)]
    work(supplier.sender(agency.web()))
    supplier.park(dispatch)
    with pytest.raises(Conflict, match="AF_ALREADY_OUT"):
        supplier.draft("JOINT_PLANNING", plan(order="O-2"))
    supplier.resend(dispatch)
    work(supplier.sender(agency.web()))
    assert supplier.row(dispatch)["state"] == "SENT"


def test_the_other_side_says_when_to_come_back(supplier: Office, agency: Agency) -> None:
    dispatch = supplier.draft("JOINT_PLANNING", plan())
    supplier.submit(dispatch)
    agency.answers = [reply(503, Retry_After="600")]
    work(supplier.sender(agency.web()), 2)
    with supplier.place.tx() as (tx, _):
        seconds = tx.value("SELECT extract(epoch FROM open_until - now()) FROM af_circuit")
    assert 590 < seconds <= 600 and len(agency.calls) == 1


def test_an_answer_without_end_and_a_redirect_are_no_receipts(supplier: Office, agency: Agency) -> None:
    def huge(handler: Any) -> None:
        handler.send_response(202)
        handler.end_headers()
        handler.wfile.write(b"x" * 200_000)
        handler.close_connection = True

    dispatch = supplier.draft("JOINT_PLANNING", plan())
    supplier.submit(dispatch)
    elsewhere = f"https://localhost:{agency.port}/elsewhere"
    agency.answers = [reply(307, Location=elsewhere), huge]
    work(supplier.sender(agency.web()), 2)
    assert supplier.outcomes(dispatch) == ["UNREACHABLE", "ACCEPTED"]
    assert {path for path, _, _ in agency.calls} == {f"/in/{supplier.place.name}/JOINT_PLANNING"}
    assert supplier.row(dispatch)["reference"] is None


def test_without_our_certificate_or_with_a_stranger_s_nothing_is_told(
    supplier: Office, agency: Agency, certificates: Certificates, tmp_path: Path
) -> None:
    dispatch = supplier.draft("JOINT_PLANNING", plan())
    supplier.submit(dispatch)
    stranger = Certificates(tmp_path)
    unknown_us = trusting(certificates.authority, stranger.client, stranger.client_key)
    unknown_them = trusting(stranger.authority, certificates.client, certificates.client_key)
    nobody = ssl.create_default_context(cafile=str(certificates.authority))
    for context in (unknown_us, unknown_them, nobody):
        work(supplier.sender(agency.web(context)))
    assert agency.calls == [] and supplier.row(dispatch)["state"] == "READY"
    assert not {"ACCEPTED", "REFUSED", None} & set(supplier.outcomes(dispatch))


def test_killed_between_sending_and_recording_it_is_sent_again_with_the_same_tracking_id(
    supplier: Office, agency: Agency
) -> None:
    class Killed(BaseException):
        pass

    class Mortal:
        def __init__(self, web: Web):
            self.web = web

        def send(self, parcel: Parcel) -> Accepted:
            self.web.send(parcel)
            raise Killed

        def close(self) -> None:
            self.web.close()

    dispatch = supplier.draft("JOINT_PLANNING", plan())
    supplier.submit(dispatch)
    agency.answers = [taken(agency, reply(202))]
    with pytest.raises(Killed):
        work(supplier.sender(Mortal(agency.web())))
    assert supplier.outcomes(dispatch) == [None]
    work(supplier.sender(agency.web()))
    assert supplier.outcomes(dispatch) == [None, "ACCEPTED"]
    assert len(agency.calls) == 2 and len(agency.got) == 1
    assert supplier.row(dispatch)["state"] == "SENT"


# --- the gate, consent, protection -----------------------------------------------------------------------


def test_nothing_is_written_and_nothing_leaves_without_a_ground(supplier: Office, agency: Agency) -> None:
    other = Office(supplier.pool, Programme.SOM_1, "2021-03-01")
    with pytest.raises(Forbidden, match="NO_LAWFUL_GROUND"):
        other.draft("JOINT_PLANNING", plan())
    with other.place.tx() as (tx, _):
        assert tx.value("SELECT count(*) FROM af_dispatch WHERE tenant = %s", (other.place.name,)) == 0
    ground = other.ground(expires_on=date(2021, 6, 1))
    dispatch = other.draft("JOINT_PLANNING", plan())
    other.submit(dispatch)
    with other.place.tx() as (tx, tenant):
        gate.end(tx, tenant, ground)
    work(other.sender(agency.web()))
    assert agency.calls == []
    assert (other.row(dispatch)["state"], other.row(dispatch)["trouble"]) == ("FAILED", "NO_LAWFUL_GROUND")
    # the one when it was written, and the one when it was about to leave
    assert other.place.refusals() == ["NO_GROUND", "ENDED"]


def test_about_a_protected_person_nothing_leaves_by_itself(supplier: Office, agency: Agency) -> None:
    before, after = supplier.draft("JOINT_PLANNING", plan()), supplier.draft(
        "INFORMATIVE", {"order": "O-1", "on": "2021-03-01", "text": WORDS}
    )  # fmt: skip
    supplier.submit(before)
    with supplier.place.tx() as (tx, tenant):
        wanted = {"person": supplier.person, "kind": "CONFIDENTIALITY_MARK", "since": date(2021, 3, 1), "until": None}
        request = METHODS["assignment.protect_person"].load(
            {"tenant": tenant.id, **wanted, "since": "2021-03-01", "until": None}
        )
        persons.protect(tx, KEYS, tenant, request, GUIDE)
    assert supplier.submit(after)["state"] == "MANUAL"
    work(supplier.sender(agency.web()), 3)
    assert agency.calls == []
    assert [supplier.row(one)["state"] for one in (before, after)] == ["MANUAL", "MANUAL"]
    with pytest.raises(Conflict, match="PROTECTED"):
        supplier.resend(before)
    # somebody has handed it over, and the employment service says so
    assert supplier.answer(before, "RECEIVED") == "RECEIVED"
    with pytest.raises(NotFound, match="no message"), supplier.place.tx() as (tx, tenant):
        look.read(tx, KEYS, tenant, supplier.name, before, WORKER)


def brokered(office: Office) -> None:
    office.state("plan_done", goal=GOAL)
    office.state("coordinator_requested")
    office.state("coordinator_brokered")


@pytest.mark.rule("AMI-2.2-b", "AMI-2.2-c")
def test_the_hand_off_is_three_fields_brokered_by_the_career_guide(office: Office, agency: Agency) -> None:
    hand_off: dict[str, Any] = {"what": DataKind.HANDOFF, "purpose": Purpose.LABOUR_MARKET_INTERVENTION}
    office.state("coordinator_requested")
    with pytest.raises(FactRefused, match="NOT_ASKED_FOR"):
        office.draft("COORDINATOR_HANDOFF", period="x")
    brokered(office)
    with office.place.tx() as (tx, tenant):
        due = look.due(tx, tenant, {"assignment": None, "after": None, "limit": 10})["due"]
    (period,) = [row["period"] for row in due if row["kind"] == "COORDINATOR_HANDOFF"]
    with pytest.raises(Forbidden, match="NO_LAWFUL_GROUND"):
        office.draft("COORDINATOR_HANDOFF", period=period)
    # a ground for reports is none for this
    office.ground(what=DataKind.REPORT, purpose=Purpose.LABOUR_MARKET_INTERVENTION)
    with pytest.raises(Forbidden, match="NO_LAWFUL_GROUND"):
        office.draft("COORDINATOR_HANDOFF", period=period)
    office.ground(**hand_off)
    with pytest.raises(Forbidden, match="CAREER_GUIDE_ONLY"):
        office.draft("COORDINATOR_HANDOFF", period=period, caller=WORKER)
    with pytest.raises(InvalidRequest):
        office.draft("COORDINATOR_HANDOFF", {"diagnosis": "x"}, period=period)
    dispatch = office.draft("COORDINATOR_HANDOFF", period=period)
    with pytest.raises(Forbidden, match="CAREER_GUIDE_ONLY"):
        office.submit(dispatch, WORKER)
    office.submit(dispatch)
    work(office.sender(agency.web()))
    assert [body for _, _, body in agency.calls] == [{"client": NUMBER, "intervention": "AMI_2", "goals": GOAL}]
    # that the coordinator knows is a fact from then on, with what it rests on
    assert office.facts(FactKind.COORDINATOR_INFORMED) == [{"legal_basis": LegalBasis.PUBLIC_TASK}]
    office.answer(dispatch, "RECEIVED")
    assert len(office.facts(FactKind.COORDINATOR_INFORMED)) == 1
    with office.place.tx() as (tx, tenant):
        assert look.due(tx, tenant, {"assignment": None, "after": None, "limit": 10})["due"] == []


@pytest.mark.rule("AMI-2.1-a")
def test_what_a_provider_asks_for_takes_the_client_s_consent_to_it_until_the_day_it_is_withdrawn(
    office: Office, agency: Agency
) -> None:
    report: dict[str, Any] = {
        "what": DataKind.REPORT,
        "purpose": Purpose.LABOUR_MARKET_INTERVENTION,
        "provider": "alfa",
    }
    for step in ("ENQUIRED", "BASIS_COLLECTED"):
        office.state("subsidy_step", subsidy="s-1", step=step)
    office.state("subsidy_step", subsidy="s-1", step="AF_DECIDED", granted=True, valid_from=office.today, valid_to=None)
    office.state("subsidy_step", subsidy="s-1", step="FOLLOWED_UP")
    with office.place.tx() as (tx, tenant):
        due = look.due(tx, tenant, {"assignment": office.name, "after": None, "limit": 10})["due"]
    assert [row["kind"] for row in due] == ["SUBSIDY_FOLLOWUP"]
    content = {"subsidy": "s-1", "followed_up_on": office.today, "continues": True, "text": WORDS}
    asks: dict[str, Any] = {"period": due[0]["period"], "provider": "alfa"}
    # a ground of another kind does not make up for the consent
    other = office.ground(**report)
    with pytest.raises(FactRefused, match="CONSENT_MISSING"):
        office.draft("SUBSIDY_FOLLOWUP", content, **asks)
    with office.place.tx() as (tx, tenant):
        gate.end(tx, tenant, other)
    office.state("consent_given", scope="AF_OFFICER")
    with pytest.raises(Forbidden, match="NOT_IN_CHARGE"):
        office.draft("SUBSIDY_FOLLOWUP", content, **{**asks, "provider": "beta"})
    with pytest.raises(InvalidRequest, match="subsidy"):
        office.draft("SUBSIDY_FOLLOWUP", {**content, "subsidy": "s-2"}, **asks)
    by_consent: dict[str, Any] = {"basis": LegalBasis.CONSENT, "scope": ConsentScope.AF_OFFICER}
    office.ground(**report, **by_consent)
    dispatch = office.draft("SUBSIDY_FOLLOWUP", content, **asks)
    office.submit(dispatch)
    office.day("2024-03-18")
    office.state("consent_withdrawn", scope="AF_OFFICER")
    work(office.sender(agency.web()))
    assert agency.calls == [] and office.row(dispatch)["state"] == "FAILED"
    # another consent takes another ground, and what was written on the first is gone with it
    office.state("consent_given", scope="AF_OFFICER")
    with pytest.raises(Forbidden, match="NO_LAWFUL_GROUND"):
        office.resend(dispatch)
    office.ground(**report, **by_consent)
    office.resend(dispatch)
    work(office.sender(agency.web()))
    assert agency.calls == [] and office.row(dispatch)["state"] == "EXPIRED"
    assert office.draft("SUBSIDY_FOLLOWUP", content, **asks) == dispatch
    office.submit(dispatch)
    work(office.sender(agency.web()))
    assert office.row(dispatch)["state"] == "SENT"
    assert [row["step"] for row in office.facts(FactKind.SUBSIDY_STEP)][-1] == "REPORTED_TO_AF"


@pytest.mark.rule("AMI-2.1-a")
def test_a_comment_that_comes_when_the_consent_is_gone_is_kept_nowhere(office: Office, agency: Agency) -> None:
    report: dict[str, Any] = {
        "what": DataKind.REPORT,
        "purpose": Purpose.LABOUR_MARKET_INTERVENTION,
        "provider": "alfa",
    }
    for step in ("ENQUIRED", "BASIS_COLLECTED", "AF_DECIDED", "FOLLOWED_UP"):
        decided: dict[str, Any] = (
            {"granted": True, "valid_from": office.today, "valid_to": None} if step == "AF_DECIDED" else {}
        )
        office.state("subsidy_step", subsidy="s-1", step=step, **decided)
    with office.place.tx() as (tx, tenant):
        (row,) = look.due(tx, tenant, {"assignment": office.name, "after": None, "limit": 10})["due"]
    office.state("consent_given", scope="AF_OFFICER")
    office.ground(**report, basis=LegalBasis.CONSENT, scope=ConsentScope.AF_OFFICER)
    content = {"subsidy": "s-1", "followed_up_on": office.today, "continues": True, "text": WORDS}
    dispatch = office.draft("SUBSIDY_FOLLOWUP", content, period=row["period"], provider="alfa")
    office.submit(dispatch)
    work(office.sender(agency.web()))
    comments = []
    for step in ("before", "after"):
        office.answer(dispatch, "NOT_APPROVED", comment=COMMENT)
        with office.place.tx() as (tx, _):
            kept = "SELECT count(*) FROM gate_record WHERE tenant = %s AND kind = 'af.feedback.v1'"
            comments.append(tx.value(kept, (office.place.name,)))
        if step == "before":
            office.state("consent_withdrawn", scope="AF_OFFICER")
    assert comments == [1, 1] and office.row(dispatch)["state"] == "NOT_APPROVED"


def test_a_supplier_s_report_is_for_what_the_employment_service_has_ordered(office: Office) -> None:
    office.ground()
    with pytest.raises(FactRefused, match="NOT_COMMISSIONED"):
        office.draft("JOINT_PLANNING", plan())
    with pytest.raises(FactRefused, match="NOT_ASKED_FOR"):
        office.draft("COMMISSION_REPLY", {"reply": WORDS})


def test_a_final_report_knows_its_window(supplier: Office) -> None:
    report = {"order": "O-1", "main_goal": WORDS, "steps": ["One"], "study_visits": []}
    with pytest.raises(FactRefused, match="NOT_ASKED_FOR"):
        supplier.draft("FINAL", report)
    supplier.day("2021-04-01")
    supplier.place.state(supplier.name, exited("2021-04-01"))
    windows = []
    for day in ("2021-04-09", "2021-04-12", "2021-05-03", "2021-05-04"):
        supplier.day(day)
        dispatch = supplier.draft("FINAL", report)
        found = supplier.submit(dispatch)
        windows.append((found["closing_window"], found["late"]))
        supplier.park(dispatch)
    # Easter between: working day 4, 5, 20 and 21 after Maundy Thursday
    assert windows == [(1, False), (2, False), (2, False), (3, True)]


# --- what is gone ----------------------------------------------------------------------------------------


def test_after_its_time_no_byte_of_it_is_left_and_what_has_not_left_leaves_no_more(
    supplier: Office, agency: Agency, database: str
) -> None:
    sent = supplier.draft("JOINT_PLANNING", plan())
    waits = supplier.draft("INFORMATIVE", {"order": "O-1", "on": "2021-03-01", "text": WORDS})
    supplier.submit(sent)
    work(supplier.sender(agency.web()))
    supplier.answer(sent, "NOT_APPROVED", comment=COMMENT)
    supplier.submit(waits)
    with supplier.place.tx() as (tx, _):
        records = [row["sealed"].hex() for row in tx.query(
            "SELECT sealed FROM gate_record WHERE tenant = %s", (supplier.place.name,))]  # fmt: skip
    assert len(records) == 3
    everything = dumped(database)
    for word in (WORDS, COMMENT, NUMBER):
        assert word not in everything and word.encode().hex() not in everything
    supplier.day("2021-05-31")
    assert all(one in dumped(database) for one in records)
    supplier.day("2021-06-01")
    everything = dumped(database)
    assert not any(one in everything for one in records)
    assert [supplier.row(one)["state"] for one in (sent, waits)] == ["NOT_APPROVED", "EXPIRED"]
    agency.calls.clear()
    work(supplier.sender(agency.web()))
    assert agency.calls == []
    # words that come when the ground holds no more are kept nowhere, what they are about is
    assert supplier.answer(sent, "APPROVED", comment=COMMENT) == "APPROVED"
    assert COMMENT not in dumped(database)
    with supplier.place.tx() as (tx, tenant):
        shown = look.read(tx, KEYS, tenant, supplier.name, sent, GUIDE)
    assert shown["content"] is None and [row["comment"] for row in shown["feedback"]] == [None, None]


# --- by files --------------------------------------------------------------------------------------------


@contextmanager
def inbox(folder: Folder, **files: Any) -> Iterator[None]:
    for name, what in files.items():
        (folder.inbox / f"{name}.json").write_text(what if isinstance(what, str) else json.dumps(what))
    yield


def test_a_message_is_one_file_and_its_answers_are_files_that_go_or_are_parked(
    supplier: Office, tmp_path: Path
) -> None:
    folder = Folder(tmp_path)
    dispatch = supplier.draft("JOINT_PLANNING", plan())
    tracking = str(supplier.submit(dispatch)["tracking"])
    work(supplier.sender(folder))
    supplier.resend(dispatch)
    work(supplier.sender(folder))
    (file,) = (tmp_path / "outbox").iterdir()
    assert file.stat().st_mode & 0o077 == 0
    written = json.loads(file.read_text())
    assert (written["headers"]["Tracking-Id"], written["body"]["client"]) == (tracking, NUMBER)
    good = {
        "tenant": supplier.place.name,
        "feedback": "f-1",
        "tracking": tracking,
        "kind": "RECEIVED",
        "on": "2021-03-02",
    }
    bad = {
        "b_unknown": {**good, "feedback": "f-2", "tracking": "00000000-0000-0000-0000-000000000000"},
        "c_not_json": "{",
        "d_deep": "[" * 50_000,
        "e_large": json.dumps({"x": "x" * 70_000}),
        "f_field": {**good, "feedback": "f-3", "diagnosis": WORDS},
        "g_tenant": {**good, "feedback": "f-4", "tenant": "nowhere"},
        "h_kind": {**good, "feedback": "f-5", "kind": "PERHAPS"},
        "i_list": "[]",
    }
    with inbox(folder, a_good=good, z_again=good, **bad):
        (folder.inbox / ".half.json").write_text("{")
        taken = folder.take_in(lambda raw: answers.from_file(supplier.pool, KEYS, raw))
    assert taken == 10 and supplier.row(dispatch)["state"] == "RECEIVED"
    assert [one.name for one in folder.inbox.iterdir()] == [".half.json"]
    parked = sorted(one.name for one in (tmp_path / "parked").iterdir())
    assert parked == sorted(f"{name}{end}.json" for name in bad for end in ("", ".reason"))
    reasons = [json.loads(one.read_text()) for one in (tmp_path / "parked").glob("*.reason.json")]
    assert {one["kind"] for one in reasons} == {"INVALID_REQUEST", "NOT_FOUND"}
    assert not any(WORDS in json.dumps(one) for one in reasons)


def test_answers_of_one_name_are_all_parked_and_one_that_cannot_be_moved_holds_up_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path)
    effects: list[Any] = []
    for _ in range(2):
        with inbox(folder, answer="{"):
            assert folder.take_in(effects.append) == 1
    with inbox(folder, **{"x" * 250: "{"}):
        assert folder.take_in(effects.append) == 1
    assert len([one for one in (tmp_path / "parked").iterdir() if not one.name.endswith(".reason.json")]) == 3
    assert len(list((tmp_path / "parked").glob("*.reason.json"))) == 3
    put_away = Folder._put_away

    def stuck(self: Folder, file: Path, wrong: Any) -> None:
        if file.stem == "a":
            raise PermissionError
        put_away(self, file, wrong)

    monkeypatch.setattr(Folder, "_put_away", stuck)
    with inbox(folder, a={"n": 1}, b={"n": 2}):
        assert folder.take_in(effects.append) == 1
    assert [one.name for one in folder.inbox.iterdir()] == ["a.json"] and effects == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize(("status", "may_be_there"), [(500, True), (502, True), (504, True), (503, False)])
def test_what_a_failing_server_may_have_taken_does_not_go_under_another_tracking_id(
    supplier: Office, agency: Agency, status: int, may_be_there: bool
) -> None:
    dispatch = supplier.draft("JOINT_PLANNING", plan())
    tracking = str(supplier.submit(dispatch)["tracking"])
    agency.answers = [taken(agency, reply(status))]
    work(supplier.sender(agency.web()))
    supplier.park(dispatch)
    if not may_be_there:
        assert supplier.draft("JOINT_PLANNING", plan()) == dispatch
        return
    with pytest.raises(Conflict, match="AF_ALREADY_OUT"):
        supplier.draft("JOINT_PLANNING", plan())
    supplier.resend(dispatch)
    work(supplier.sender(agency.web()))
    assert supplier.row(dispatch)["state"] == "SENT"
    assert {headers["Tracking-Id"] for _, headers, _ in agency.calls} == {tracking}


def test_what_cannot_even_be_begun_holds_up_nobody_else(supplier: Office, agency: Agency) -> None:
    broken = supplier.draft("JOINT_PLANNING", plan())
    other = supplier.draft("INFORMATIVE", {"order": "O-1", "on": "2021-03-01", "text": WORDS})
    supplier.submit(broken)
    supplier.submit(other)
    with supplier.place.tx() as (tx, _):
        tx.execute("UPDATE gate_record SET sealed = %s WHERE record = %s", (bytes(64), supplier.row(broken)["record"]))
    # what is kept about a person is opened together: nothing of this person's goes, and a person sees why
    away = Office(supplier.pool, Programme.SOM_1, "2021-03-01")
    away.ground(expires_on=date(2021, 6, 1))
    fine = away.draft("JOINT_PLANNING", plan())
    away.submit(fine)
    work(supplier.sender(agency.web(), Patience(retry=(600,), away=(0,), lease=0)), 3)
    assert [(supplier.row(one)["state"], supplier.row(one)["trouble"]) for one in (broken, other)] == [
        ("READY", "CannotOpen")
    ] * 2
    assert away.row(fine)["state"] == "SENT"


def test_in_the_service_one_instance_sends_and_another_takes_over(
    supplier: Office, tmp_path: Path, database: str
) -> None:
    class Container:
        """As much of a service's container as is needed."""

        config: Mapping[str, Any] = {
            "KUNDVAL_ASSIGNMENT_DATABASE_URI": database,
            "KUNDVAL_PERSON_KEYS": "first:" + "k" * 32,
            **{f"KUNDVAL_TO_AF_{name}": None for name in ("URL", "CERTIFICATE", "KEY", "AUTHORITY")},
            "KUNDVAL_TO_AF_DIR": tmp_path,
            "KUNDVAL_TO_AF_SYSTEM": "system-7",
            "KUNDVAL_TO_AF_ENVIRONMENT": AfEnvironment.T1,
        }

        def spawn_managed_thread(self, run: Callable[[], None], identifier: str) -> Any:
            thread = threading.Thread(target=run, daemon=True)
            thread.start()
            thread.wait = thread.join  # type: ignore[attr-defined]
            return thread

    def sent(dispatch: str) -> bool:
        until = time.monotonic() + 20
        while supplier.row(dispatch)["state"] != "SENT" and time.monotonic() < until:
            time.sleep(0.05)
        return bool(supplier.row(dispatch)["state"] == "SENT")

    posts = [AfPost(), AfPost()]
    for post in posts:
        post.container = Container()
        post.setup()
        post.start()
    first = supplier.draft("JOINT_PLANNING", plan())
    supplier.submit(first)
    assert sent(first)
    (leader,) = [post for post in posts if post._lock is not None]
    leader.stop()
    second = supplier.draft("INFORMATIVE", {"order": "O-1", "on": "2021-03-01", "text": WORDS})
    supplier.submit(second)
    assert sent(second)
    for post in posts:
        post.stop()


def test_while_the_database_is_away_answers_stay_where_they_are(tmp_path: Path) -> None:
    folder = Folder(tmp_path)

    def away(raw: Mapping[str, Any]) -> None:
        raise Unavailable

    with inbox(folder, a={}, b={}):
        assert folder.take_in(away) == 0
    assert sorted(one.name for one in folder.inbox.iterdir()) == ["a.json", "b.json"]


# --- what is told of by itself ---------------------------------------------------------------------------


def told_of(office: Office, event: str) -> list[dict[str, Any]]:
    """The data of events of that name about the client, the oldest first."""
    with office.place.tx() as (tx, _):
        rows = tx.query(
            "SELECT data FROM event WHERE subject = %s AND name = %s ORDER BY sequence",
            (office.name, f"assignment.{event}"),
        )
    return [row["data"] for row in rows]


@pytest.mark.rule("LOKA-5")
def test_a_deadline_that_passes_is_told_once_and_that_it_was_met_too(pool: Pool) -> None:
    office = Office(pool, Programme.SOM_1, "2021-03-01")
    office.ground()
    due = date(2021, 3, 8)
    for day in (due, due + timedelta(days=1), due + timedelta(days=2)):
        office.day(day.isoformat())
        if day == due:
            assert told_of(office, "af_report_overdue") == []
    late = {"assignment": office.name, "kind": "JOINT_PLANNING", "sequence": 1, "due": due.isoformat()}
    first = {**late, "overdue": True, "revision": 1, "as_of": (due + timedelta(days=1)).isoformat()}
    assert told_of(office, "af_report_overdue") == [first]
    dispatch = office.draft("JOINT_PLANNING", plan())
    assert told_of(office, "af_report_overdue") == [first]
    office.submit(dispatch)
    over = {**late, "overdue": False, "revision": 2, "as_of": (due + timedelta(days=2)).isoformat()}
    assert told_of(office, "af_report_overdue") == [first, over]
    stands = told_of(office, "af_dispatch_changed")[-1]
    assert (stands["message"], stands["provider"], stands["as_of"]) == (dispatch[:-2], None, over["as_of"])
    assert not EVENTS["assignment.af_dispatch_changed"].schema.validate(stands)


@pytest.mark.rule("AMI-1.3.2-a")
def test_a_missing_registration_is_told_until_a_check_finds_it_or_assistance_ends(pool: Pool) -> None:
    office = Office(pool)
    office.state("circumstances_changed", receives_eb=True)
    for registered in (False, False, True, False):
        office.state("af_registration_checked", registered=registered)
    office.state("circumstances_changed", receives_eb=False)
    told = told_of(office, "af_registration_missing")
    assert [(row["missing"], row["revision"]) for row in told] == [(True, 1), (False, 2), (True, 3), (False, 4)]
    assert {(row["since"], row["as_of"]) for row in told} == {(office.start, office.start)}
    assert not any(EVENTS["assignment.af_registration_missing"].schema.validate(row) for row in told)
    # whoever is not on assistance need not be registered
    office.state("af_registration_checked", registered=False)
    assert told_of(office, "af_registration_missing") == told
