"""What keeps the suite busy in a round, and remembers what it was promised.

A `Player` plays a caseload, whose end is known beforehand. An `Office` does what no caseload holds: persons who book
meetings, state facts, take them back, move the day, pay; each command under a key of its own, repeated until there is
an answer, as a caller is to do. An `Asker` asks all the time how the services are, and so finds how long one was away.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from kundval_chassis.play import Progress, play
from kundval_chassis.present import as_json
from kundval_chassis.sample import make
from kundval_chassis.simulate import simulate
from kundval_contracts.caseload import read
from kundval_contracts.client import Call, Client
from kundval_contracts.codes import Ownership
from kundval_contracts.errors import Conflict, KundvalError, TimedOut, Unauthenticated, Unavailable
from tests.acceptance.builders import fact
from tests.billing.papers import COMPANY, MUNICIPALITY
from tests.scheduling.diary import Diary
from tests.suite import SERVICES, Suite, give_mailboxes

#: seconds after which a command without an answer is taken for lost, whatever was done meanwhile
PATIENCE = 150.0
#: what is worth saying again: the service could not be asked, or its clock is wrong
PASSING = (TimedOut, Unavailable, Unauthenticated)


class SteadyCall:
    """A call that is made again, under the same key, until there is an answer or `PATIENCE` is over."""

    def __init__(self, again: Callable[[], Call]):
        self._again = again
        self._call = again()
        self._deadline = time.monotonic() + PATIENCE

    def result(self) -> Any:
        while True:
            try:
                return self._call.result()
            except PASSING:
                if time.monotonic() > self._deadline:
                    raise
                time.sleep(0.3)
                self._call = self._again()


class SteadyClient(Client):
    """A caller as callers are to be: whoever gets no answer asks again with the same key."""

    def submit(self, method: str, fields: Mapping[str, Any] | None = None, /, **how: Any) -> Any:
        if how.get("idempotency_key") is None:
            how["idempotency_key"] = uuid.uuid4().hex
        how["timeout"] = 20.0
        given = dict(fields or {})
        return SteadyCall(lambda: super(SteadyClient, self).submit(method, given, **how))


def steady(suite: Suite, role: str = "SYSTEM", **claims: Any) -> SteadyClient:
    """A steady client with a token of that role; the times of its calls are its own."""
    plain = suite.client(role, **claims)
    return SteadyClient(plain.amqp_uri, plain._token, name="campaign")


class Work(threading.Thread):
    """Work beside the faults. `finish` waits for its end and raises what went wrong in it; `close` cuts it short."""

    def __init__(self, name: str):
        super().__init__(name=name, daemon=True)
        self.error: BaseException | None = None
        self.client: Client | None = None
        self._closing = threading.Event()

    def close(self) -> None:
        """End it, wherever it is."""
        self._closing.set()
        if self.client is not None:
            self.client.close()

    def run(self) -> None:
        try:
            self.work()
        except BaseException as error:
            self.error = error

    def work(self) -> None:
        raise NotImplementedError

    def finish(self, seconds: float) -> None:
        self.join(seconds)
        if self.is_alive():
            raise AssertionError(f"the {self.name} does not come to its end")
        if self.error is not None:
            raise self.error


class Player(Work):
    """Plays a sample of `residents` residents as a tenant of its own; `answer` must be `expected` in the end."""

    def __init__(self, suite: Suite, tenant: str, seed: int, residents: int):
        super().__init__("player")
        self.suite, self.tenant = suite, tenant
        self.caseload = read(make(seed=seed, residents=residents))
        self.answer = ""
        self.stated = self.total = 0

    @property
    def expected(self) -> str:
        return as_json(simulate(self.caseload))

    @property
    def share(self) -> float:
        """How much of the facts has been stated, 0 to 1."""
        return self.stated / self.total if self.total else 0.0

    def work(self) -> None:
        with steady(self.suite) as client:
            self.client = client
            give_mailboxes(client, self.tenant, self.caseload.providers)
            self.answer = as_json(play(self.caseload, client, tenant=self.tenant, tell=self._tell))

    def _tell(self, progress: Progress) -> None:
        self.stated, self.total = progress.facts, progress.total


CASES = ("A-1", "A-2", "A-3", "A-4")
#: the day moves from the one towards the other, a Monday from which on meetings are booked
FIRST_DAY, LAST_DAY = date(2026, 5, 5), date(2026, 11, 30)


class Office(Work):
    """Persons at work in a town of their own, until `close`. What was accepted stands in the fields below."""

    def __init__(self, suite: Suite, random: Random):
        super().__init__("office")
        self.suite, self.random = suite, random
        self.tenant = ""
        #: (assignment, fact id) -> whether it was stated or taken back again
        self.facts: dict[tuple[str, str], bool] = {}
        #: meeting -> whether it is booked or called off again
        self.meetings: dict[str, bool] = {}
        self.released: list[str] = []
        self.day = FIRST_DAY
        self.acts = 0
        self.refusals: Counter[str] = Counter()
        self._hours = 0

    def shut(self) -> None:
        """Let what is in hand be done, and no more begun."""
        self._closing.set()

    def work(self) -> None:
        with steady(self.suite) as client:
            self.client = client
            self.diary = Diary(client, *CASES, day=FIRST_DAY.isoformat())
            self.tenant = self.diary.town.name
            self._payer(client)
            while not self._closing.is_set():
                act = self.random.choices(
                    (self._state, self._book, self._call_off, self._take_back, self._next_day, self._pay),
                    (6, 4, 2, 2, 1, 1),
                )[0]
                try:
                    act()
                    self.acts += 1
                except Conflict as error:
                    # what a person is told and understands: nothing to pay, not in that state
                    if error.code == "ALREADY_TAKEN":
                        raise
                    self.refusals[error.code] += 1
            self._next_day()
            self.diary.town.settle()
            # the last run: what it posts is what the rules say of all that was stated
            self.diary.town.run(self.day.isoformat())

    def _payer(self, client: Client) -> None:
        since = {"valid_from": "2024-01-01"}
        address = {"street": "Storgatan 1", "postal_code": "131 81", "city": "Nacka", "payment_terms_days": 30}

        def party(number: str, name: str) -> dict[str, Any]:
            return {
                "name": name, "organisation_number": number, "vat_number": f"SE{number}01", "bankgiro": "9912346",
                "f_skatt": True, **address,
            }  # fmt: skip

        vat = {one.value: {"treatment": "STANDARD_25"} for one in Ownership}
        client.call("billing.set_payer", tenant=self.tenant, role="MUNICIPALITY", **since, vat_by_ownership=vat,
                    party=party(MUNICIPALITY, "Nacka kommun"))  # fmt: skip
        client.call("billing.set_payee", tenant=self.tenant, provider="alfa", **since,
                    self_billing={"from": "2024-01-01", "reference": "SB-17"},
                    party=party(COMPANY, "Alfa Jobb AB"))  # fmt: skip

    def _state(self) -> None:
        case = self.random.choice(CASES)
        since, months = date(2026, 2, 10), self.random.randrange(1, 12)
        paid = {"from": since.isoformat(), "to": (since + timedelta(days=30 * months)).isoformat()}
        what = self.random.choice(
            (fact(self.day.isoformat(), "eb_paid", scope="CLIENT", **paid), fact(self.day.isoformat(), "mapping_done"))
        )
        [row] = self.diary.town.rows(case, [what])
        self.diary.town.send([row], keep_refused=True)
        self.facts[case, row["id"]] = True

    def _take_back(self) -> None:
        stated = [key for key, there in self.facts.items() if there]
        if stated:
            case, name = self.random.choice(stated)
            self.diary.town.withdraw(case, name)
            self.facts[case, name] = False

    def _book(self) -> None:
        # every hour once, so that a refusal means that something was booked that nobody was told of
        self._hours += 1
        day, hour = self._hours // 8, 8 + self._hours % 8
        at = datetime(LAST_DAY.year, LAST_DAY.month, LAST_DAY.day, hour) + timedelta(days=day + 2 * (day // 5))
        about = {"assignment": self.random.choice(CASES), "kind": "WEEKLY_CONTACT"}
        made = self.diary.book(at.isoformat(timespec="minutes"), **about)
        self.meetings[made["meeting"]] = True

    def _call_off(self) -> None:
        booked = [name for name, there in self.meetings.items() if there]
        if booked:
            name = self.random.choice(booked)
            self.diary.call("cancel_meeting", meeting=name, reason="STAFF_CANNOT")
            self.meetings[name] = False

    def _next_day(self) -> None:
        self.day = min(self.day + timedelta(days=self.random.randrange(1, 15)), LAST_DAY)
        self.diary.client.call("assignment.open_day", tenant=self.tenant, date=self.day.isoformat())

    def _pay(self) -> None:
        """From the run to the release, by those who must act in this order."""
        run, tenant = self.day.isoformat(), self.tenant
        self.diary.town.run(run)

        def call(method: str, who: str, **fields: Any) -> dict[str, Any]:
            with steady(self.suite, "CONTROLLER", subject=who) as person:
                return dict(person.call(f"billing.{method}", tenant=tenant, **fields))

        for row in call("propose_payments", "pia", run=run)["payments"]:
            if row["state"] == "PROPOSED":
                for method, who in (("check_payment", "cia"), ("attest_payment", "ann"), ("attest_payment", "bo")):
                    call(method, who, payment=row["payment"])
        with steady(self.suite, "PROVIDER", organisation="alfa", tenant=tenant) as provider:
            for row in call("propose_payments", "pia", run=run)["payments"]:
                if row["state"] == "ATTESTED":
                    provider.call("billing.approve_payment", tenant=tenant, payment=row["payment"])
        self.released += call("release_payments", "ann", run=run)["released"]


#: seconds between two questions
EVERY = 1.0


class Asker(Work):
    """Asks each service again and again how it is; `silent` is the longest that each gave no answer, in seconds."""

    def __init__(self, suite: Suite):
        super().__init__("asker")
        self.suite = suite
        self.silent = dict.fromkeys(SERVICES, 0.0)

    def work(self) -> None:
        heard = dict.fromkeys(SERVICES, time.monotonic())
        with self.suite.client() as client:
            while not self._closing.wait(EVERY):
                calls = {one: client.submit(f"{one}.info", {}, timeout=1.0, retry=False) for one in SERVICES}
                for service, call in calls.items():
                    try:
                        call.result()
                        now = time.monotonic()
                        self.silent[service] = max(self.silent[service], now - heard[service] - EVERY)
                        heard[service] = now
                    except KundvalError:
                        continue


