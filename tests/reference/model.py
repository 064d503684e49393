"""The money of a caseload, computed a second time.

Written from the rulebook and the caseload format alone, in plain Python: it imports nothing of kundval, and shares no
date arithmetic, no reading of facts and no table with it. What the suite computes and what this computes must be the
same, so a mistake in one of them shows (`test_reference.py`). It is written to be checked against the texts, not to be
quick: every day is worked out from the facts anew.

It knows the default readings of section 6 only. It does not judge facts: `rejected(day)` says which facts the rules
forbid, as seen on that day, as pairs of assignment id and place of the fact.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

Row = dict[str, Any]
Rejected = Callable[[dt.date], set[tuple[str, int]]]

DAY = dt.timedelta(days=1)
# tables of AF-SOM-2, AF-RUM-2 and AF-RUM-7; NACKA-JP-1
SOM_RATES = {"SOM_1": 100, "SOM_2": 200, "SOM_3": 185, "SOM_4": 280}
RUM_RATES = {"RUM_A": 55, "RUM_C": 90}
RUM_B_RATES = {"Lidköping": 62, "Blekinge": 62, "Västerås": 62, "Oskarshamn": 75, "Trollhättan": 75, "Umeå": 75}
JOBBPENG = {"JOBBPENG_BASIC": 3686, "JOBBPENG_ENHANCED": 4858}
# matrix 2.10 with reading 1: one of each set. The final report is the exit itself, and no kind waits for it
CERTIFICATE = {"STUDY_CERTIFICATE"}
EVIDENCE: dict[str, list[set[str]]] = {
    "WORK_FULL_TIME": [{"EMPLOYMENT_CONTRACT"}, {"EMPLOYMENT_CERTIFICATE"}],
    "WORK_HOURLY_FULL_TIME": [{"EMPLOYMENT_CONTRACT", "EMPLOYMENT_CERTIFICATE"}],
    "WORK_MIN_HALF_TIME": [{"EMPLOYMENT_CONTRACT"}, {"EMPLOYMENT_CERTIFICATE"}],
    "STUDY_FULL_TIME": [CERTIFICATE],
    "STUDY_START_SUPPORT_FULL_TIME": [CERTIFICATE, {"CSN_GRANT"}],
    "STUDY_MIN_HALF_TIME": [CERTIFICATE, {"HOUSEHOLD_INCOME_PROOF"}],
    "OWN_BUSINESS": [],
}
#: AMB-18, AMB-23
FOR_A_PERSON = ("OWN_BUSINESS", "STUDY_MIN_HALF_TIME")


def compute(document: Row, rejected: Rejected) -> Row:
    """`lines`, `postings` and `totals` of a caseload, as rows with dates and Decimals."""
    as_of = day(document["as_of"])
    lines = lines_on(document, as_of, rejected)
    totals: dict[tuple[str, str, str], Decimal] = {}
    for line in lines:
        if line["status"] == "PAYABLE":
            whose = line["assignment"], line["provider"], line["kind"]
            totals[whose] = totals.get(whose, Decimal(0)) + line["amount"]
    runs = sorted({day(run) for run in document.get("payment_runs") or []})
    return {
        "lines": lines,
        "postings": list(postings(document, [run for run in runs if run <= as_of], rejected)),
        "totals": totals,
    }


# --- the calendar of section 0.4 ------------------------------------------------------------------------


def day(value: Any) -> dt.date:
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(value)


def months_after(anchor: dt.date, count: int) -> dt.date:
    """The same day of the month, or the last one of a month that is too short; from the anchor, never chained."""
    years, month = divmod(anchor.month - 1 + count, 12)
    year = anchor.year + years
    return dt.date(year, month + 1, min(anchor.day, calendar.monthrange(year, month + 1)[1]))


def since(told: list[Row], name: str) -> dt.date | None:
    """From when it has been said without a later no: the later word wins (reading 24)."""
    first = None
    for fact in told:
        first = (first or fact["on"]) if fact[name] else None
    return first


# --- payment runs: readings 3, 6 and 7, SM-P4 -----------------------------------------------------------


def postings(document: Row, runs: list[dt.date], rejected: Rejected) -> Iterator[Row]:
    """A run pays what is payable and not paid, and takes back what is paid and not payable any more."""
    paid: dict[tuple[str, str, str, int], Decimal] = {}
    for run in runs:
        due = {
            (line["assignment"], line["provider"], line["kind"], line["sequence"]): line["amount"]
            for line in lines_on(document, run, rejected)
            if line["status"] == "PAYABLE" and line["amount"]
        }
        for key in sorted(paid.keys() | due.keys()):
            if paid.get(key) == due.get(key):
                continue
            if key in paid:
                yield posting(run, key, -paid.pop(key))
            if key in due:
                paid[key] = due[key]
                yield posting(run, key, due[key])


def posting(run: dt.date, key: tuple[str, str, str, int], amount: Decimal) -> Row:
    assignment, provider, kind, sequence = key
    return {
        "run": run,
        "assignment": assignment,
        "provider": provider,
        "kind": kind,
        "sequence": sequence,
        "amount": amount,
    }


# --- what is known on a day -----------------------------------------------------------------------------


def lines_on(document: Row, today: dt.date, rejected: Rejected) -> list[Row]:
    out = rejected(today)
    found: list[Row] = []
    for assignment in document["assignments"]:
        case = Case(document, assignment, today, out)
        if case.started:
            found += case.lines()
    return found


class Stretch:
    """A time of activity: from the start-up meeting or a resumption to the exit; what broke the exit off."""

    def __init__(self, first: dt.date) -> None:
        self.first = first
        self.exit: Row | None = None
        self.last = dt.date.max
        self.broken: dt.date | None = None

    def touches(self, first: dt.date, end: dt.date) -> bool:
        return self.first < end and self.last >= first


class Case:
    """An assignment as it is known on a day."""

    def __init__(self, document: Row, assignment: Row, today: dt.date, rejected: set[tuple[str, int]]) -> None:
        self.document, self.today = document, today
        self.id, self.programme = assignment["id"], assignment["programme"]
        self.area: Any = assignment.get("delivery_area")
        told = [
            {**fact, "on": day(fact["on"])}
            for place, fact in enumerate(assignment["facts"])
            if (self.id, place) not in rejected and day(fact.get("known_on") or fact["on"]) <= today
        ]
        self.facts = sorted(told, key=lambda fact: fact["on"])  # stable: equal days in the order of the file
        self.decided: Row = next(iter(self.of("decided")), {})
        self.started = bool(self.decided) and bool(self.of("started"))
        if self.started:
            self.anchor: dt.date = self.decided["on"]
            self.start: dt.date = self.of("started")[0]["on"]
            self.stretches = self.walk()
            self.charges = list(self.charge())

    def of(self, *kinds: str) -> list[Row]:
        return [fact for fact in self.facts if fact["fact"] in kinds]

    def walk(self) -> list[Stretch]:
        found: list[Stretch] = []
        for fact in self.of("started", "exited", "broke_off", "resumed"):
            now = found[-1] if found else None
            if now is None or fact["fact"] == "resumed":
                found.append(Stretch(fact["on"]))
            elif fact["fact"] == "exited" and now.exit is None:
                now.exit, now.last = fact, fact["on"]
            elif fact["fact"] == "broke_off" and now.exit is not None and now.broken is None:
                now.broken = fact["on"]
        return found

    def charge(self) -> Iterator[tuple[dt.date, str]]:
        """Who takes over when: the choice before the start, approved switches (reading 19), resumptions."""
        notice = 15 * DAY if self.programme.startswith("SOM") else 0 * DAY  # reading 30
        waiting: Row | None = None
        for fact in self.facts:
            if fact["fact"] == "provider_chosen" and fact["on"] <= self.start:
                yield fact["on"], fact["provider"]
            elif fact["fact"] == "provider_switch" and fact["approved"]:
                yield fact["on"] + notice, fact["provider"]
            elif fact["fact"] == "provider_switch":
                waiting = fact
            elif fact["fact"] == "manual_decision" and fact["about"] == "SWITCH" and waiting:
                if fact["approved"]:
                    yield max(fact["on"], waiting["on"] + notice), waiting["provider"]
                waiting = None
            elif fact["fact"] == "resumed":
                yield fact["on"], fact["provider"]

    def provider(self, when: dt.date) -> str:
        """Who is in charge on a day."""
        return sorted(((since, n, who) for n, (since, who) in enumerate(self.charges) if since <= when))[-1][2]

    def active(self, first: dt.date, end: dt.date) -> Stretch | None:
        """The last stretch with a day in `[first, end)`."""
        touching = [stretch for stretch in self.stretches if stretch.touches(first, end)]
        return touching[-1] if touching else None

    def line(self, provider: str, kind: str, sequence: int, period: tuple[dt.date, dt.date], amount: Any) -> Row:
        return {
            "assignment": self.id,
            "provider": provider,
            "kind": kind,
            "sequence": sequence,
            "from": period[0],
            "to": period[1],
            "amount": Decimal(str(amount)),
        }

    def due(self, line: Row, payable_from: dt.date) -> Row:
        status = "PAYABLE" if payable_from <= self.today else "PLANNED"
        return {**line, "status": status, "payable_from": payable_from}

    def lines(self) -> list[Row]:
        if self.programme.startswith("AMI"):
            return [*self.fees(), *self.premium(), *self.bonus()]
        if self.programme.startswith("JOBBPENG"):
            return list(self.jobbpeng())
        base = self.som() if self.programme.startswith("SOM") else self.rum()
        return [*base, *self.results()]

    # --- months of AMI: AMB-01, AMB-03, reading 29 -----------------------------------------------------

    def month(self, k: int) -> tuple[dt.date, dt.date]:
        if self.programme == "AMI_1":
            return self.anchor + 30 * (k - 1) * DAY, self.anchor + 30 * k * DAY
        return months_after(self.anchor, k - 1), months_after(self.anchor, k)

    @property
    def usual_end(self) -> dt.date:
        return self.anchor + 90 * DAY if self.programme == "AMI_1" else months_after(self.anchor, 12)

    @property
    def end(self) -> dt.date:
        stated = self.decided.get("end_date")
        return day(stated) if stated else self.usual_end

    def months(self) -> int:
        count = 0
        while self.month(count + 1)[0] < self.end:
            count += 1
        return count

    def month_of(self, when: dt.date) -> int:
        k = 1
        while when >= self.month(k)[1]:
            k += 1
        return k

    def monthly(self) -> Decimal:
        """The fee in force on the decision day: NACKA-11, reading 18."""
        name = "AMI1_MONTHLY_FEE" if self.programme == "AMI_1" else "AMI2_MONTHLY_FEE"
        versions = sorted(self.document.get("tariffs") or [], key=lambda one: day(one["valid_from"]))
        fees = [one[name] for one in versions if day(one["valid_from"]) <= self.anchor and name in one]
        return Decimal(str(fees[-1] if fees else self.document["settings"][name]))

    # --- AMI-10.1-a, AMB-12, AMB-25, readings 5, 9, 26, 51 ---------------------------------------------

    def fees(self) -> Iterator[Row]:
        for k in range(1, self.months() + 1):
            first, end = self.month(k)
            stretch = self.active(first, end)
            if first > self.today or stretch is None or stretch.first >= self.end:
                continue
            who = self.provider(min(end - DAY, stretch.last))
            left = stretch.last if stretch.last < self.end else end  # after the end there is nothing to exit from
            yield self.due(self.line(who, "MONTHLY_FEE", k, (first, end), self.monthly()), min(end, left))

    # --- the exit as it is seen at first: the upper half of 2.11 ---------------------------------------

    def promises(self, exit: Row) -> bool:
        """Whether the kind and the papers promise six months: AMI-9-f to 9-j, 9.2.*, 9.3.*, reading 21."""
        kind, extent = exit["kind"], exit.get("extent_pct") or 0
        if kind == "OWN_BUSINESS":
            return bool(self.programme == "AMI_1")  # AMB-18
        if kind in ("STUDY_FULL_TIME", "STUDY_MIN_HALF_TIME") and not exit.get("csn_eligible"):
            return False
        if kind in ("WORK_FULL_TIME", "WORK_MIN_HALF_TIME"):
            until = exit.get("contract_until")
            long_enough = until is None or day(until) >= months_after(day(exit["first_day"]), 6) - DAY
            return long_enough and (extent == 100 if kind == "WORK_FULL_TIME" else 50 <= extent < 100)
        if kind in ("WORK_HOURLY_FULL_TIME", "STUDY_FULL_TIME"):
            return bool(extent == 100)
        if kind == "STUDY_START_SUPPORT_FULL_TIME":
            return bool(extent == 100 and exit.get("study_start_support"))
        if kind == "STUDY_MIN_HALF_TIME":
            return bool(50 <= extent < 100 and exit.get("household_income_support"))
        return False

    def in_time(self, exit: Row) -> bool | None:
        """AMI-10.2-a; None while a person has to say it (AMB-01, readings 13 and 56)."""
        inside = bool(exit["on"] < self.end)
        if not self.between(exit):
            return inside
        said = self.said("BOUNDARY", exit)
        return bool(said["approved"]) if said else (None if inside else False)

    def between(self, exit: Row) -> bool:
        """Whether 90 days and three months give different answers; a date in the decision settles it."""
        if self.programme == "AMI_2" or self.decided.get("end_date"):
            return False
        return bool((exit["on"] < self.end) != (exit["on"] < months_after(self.anchor, 3)))

    def said(self, about: str, exit: Row) -> Row | None:
        """The last word of a person about an exit; once there is a second exit, words are about that one."""
        exits = [stretch.exit["on"] for stretch in self.stretches if stretch.exit]
        until = min((on for on in exits if on > exit["on"]), default=dt.date.max)
        after = exit["on"] if exit["on"] > exits[0] else dt.date.min
        words = [fact for fact in self.of("manual_decision") if fact["about"] == about]
        return next((fact for fact in reversed(words) if after <= fact["on"] < until), None)

    def complete_on(self, exit: Row) -> dt.date | None:
        """The day on which the evidence was complete: at the exit, or by a later claim (reading 4)."""
        there: set[str] = set()
        for fact in (exit, *self.of("bonus_claimed")):
            there |= set(fact.get("documents") or [])
            if all(there & wanted for wanted in EVIDENCE[exit["kind"]]):
                return fact["on"]
        return None

    # --- AMI-10.1-*, AMB-12 to 14, AMB-32, readings 4, 16, 23, 24, 26, 41 ------------------------------

    def premium(self) -> Iterator[Row]:
        for n, stretch in enumerate(self.stretches):
            exit = stretch.exit
            if exit is None or not self.promises(exit) or exit["on"] >= self.end:
                continue
            resumed = self.stretches[n + 1].first if n + 1 < len(self.stretches) else dt.date.max
            for k in range(self.month_of(exit["on"]) + 1, self.months() + 1):
                if self.month(k)[1] <= resumed:
                    yield self.premium_month(k, stretch, exit)

    def premium_month(self, k: int, stretch: Stretch, exit: Row) -> Row:
        end = self.month(k)[1]
        line = self.line(self.provider(exit["on"]), "SPEED_PREMIUM", k, self.month(k), self.monthly())
        reports = [fact for fact in self.of("premium_follow_up") if fact["month"] == k]
        complete = self.complete_on(exit)
        if stretch.broken and stretch.broken < end:
            return {**line, "status": "STOPPED"}
        said = self.said("BONUS", exit) if exit["kind"] in FOR_A_PERSON else None
        if exit["kind"] in FOR_A_PERSON and not (said and said["approved"]):
            return {**line, "status": "REFUSED" if said else "MANUAL"}
        if self.today < end:
            return {**line, "status": "PLANNED", "payable_from": end}
        confirmed = since(reports, "continues")
        if complete is None or confirmed is None:
            return {**line, "status": "ON_HOLD"}
        return self.due(line, max(end, confirmed, complete, said["on"] if said else end))

    # --- the bonus: function 2.11, readings 2, 3, 13, 25 to 28, 40 -------------------------------------

    def bonus(self) -> Iterator[Row]:
        """One bonus: for the first exit that can have it, until the second exit is claimed (reading 40)."""
        exits = [stretch for stretch in self.stretches if stretch.exit]
        judged = []
        for n, stretch in enumerate(exits):
            later = [self.window(one)[1] for one in exits[n + 1 :] if one.exit and self.promises(one.exit)]
            judged.append(self.bonus_of(stretch, min(later, default=dt.date.max)))
        claimed = [line for line in judged if line["status"] in ("PAYABLE", "MANUAL")]
        alive = [line for line in judged if line["status"] != "REFUSED"]
        if judged:
            yield (claimed or alive or judged[-1:])[0]

    def window(self, stretch: Stretch) -> tuple[dt.date, dt.date]:
        """The six months: from the later of E and W (AMB-16)."""
        assert stretch.exit is not None
        begin = max(stretch.exit["on"], day(stretch.exit.get("first_day") or stretch.exit["on"]))
        return begin, months_after(begin, 6)

    def bonus_of(self, stretch: Stretch, superseded: dt.date) -> Row:
        exit = stretch.exit
        assert exit is not None
        begin, settle = self.window(stretch)
        amount = 20000
        if self.programme == "AMI_2":
            m = self.month_of(exit["on"])
            amount = 20000 if m <= 6 else 10000 if m <= 10 else 5000
        line = self.line(self.provider(exit["on"]), "RESULT_BONUS", 1, (begin, settle), amount)
        refused = {**line, "amount": Decimal(0), "status": "REFUSED"}
        changes = [fact for fact in self.of("workplace_changed") if begin <= fact["on"] < settle]
        if not self.promises(exit) or self.in_time(exit) is False:
            return refused
        if (stretch.broken and stretch.broken < settle) or (
            exit["kind"] != "STUDY_START_SUPPORT_FULL_TIME" and self.on_assistance(begin, settle)
        ):
            return refused
        if changes and (self.programme == "AMI_2" or any(fact.get("gap_days") for fact in changes)):
            return refused
        person = (
            exit["kind"] in FOR_A_PERSON
            or begin > exit["on"]  # AMB-16
            or bool(changes)  # AMB-17
            or (self.programme == "AMI_2" and self.end != self.usual_end)  # AMB-26
        )
        claims = [fact for fact in self.of("bonus_claimed") if settle <= fact["on"] < superseded]
        claimed = since(claims, "certified")
        if claims and claimed is None:
            return refused
        said = self.said("BONUS", exit) if person else None
        if said and not said["approved"]:
            return refused
        if self.today < settle:
            return {**line, "status": "PLANNED", "payable_from": settle}
        complete, proof = self.complete_on(exit), self.proof_on(exit, settle)
        if claimed is None or complete is None or proof is None:
            # WE-30: what waits for evidence may be asked for, and then refused
            final = self.said("BONUS", exit)
            no = final and not final["approved"] and final["on"] >= settle
            return refused if no else {**line, "status": "ON_HOLD"}
        if self.in_time(exit) is None or (person and not said):
            return {**line, "status": "MANUAL"}
        words = [said, self.said("BOUNDARY", exit) if self.between(exit) else None]
        decided = [word["on"] for word in words if word]
        return self.due(line, max(settle, claimed, complete, proof, *decided))

    def on_assistance(self, begin: dt.date, end: dt.date) -> bool:
        """AMI-9-d with AMB-20: assistance to the client or to the household."""
        return any(day(fact["from"]) < end and begin < day(fact["to"]) for fact in self.of("eb_paid"))

    def proof_on(self, exit: Row, settle: dt.date) -> dt.date | None:
        """AMI-9-g: the day from which hourly work is shown to cover the six months."""
        if exit["kind"] != "WORK_HOURLY_FULL_TIME":
            return exit["on"]
        covers = [(exit["on"], exit.get("hourly_cover_until"))]
        covers += [(claim["on"], claim.get("covers_until")) for claim in self.of("bonus_claimed")]
        return next((when for when, until in covers if until and day(until) >= settle - DAY), None)

    # --- Jobbpeng: NACKA-JP-1, JP-2, readings 5, 32, 54 ------------------------------------------------

    def from_start(self) -> Iterator[tuple[int, tuple[dt.date, dt.date], str, dt.date]]:
        """Months from the start-up meeting that have begun and have a day of activity: whose, and payable from when."""
        limit = day(self.decided["end_date"]) if self.decided.get("end_date") else dt.date.max
        k = 1
        while (first := months_after(self.start, k - 1)) <= self.today and first < limit:
            end = months_after(self.start, k)
            stretch = self.active(first, end)
            if stretch:
                left = stretch.last if stretch.last < limit else end
                yield k, (first, end), self.provider(min(end - DAY, stretch.last)), min(end, left)
            k += 1

    def jobbpeng(self) -> Iterator[Row]:
        table = (self.document.get("settings") or {}).get("jobbpeng.fees") or JOBBPENG
        ripe = self.start + 14 * DAY
        if self.stretches[-1].last < ripe:
            return
        for k, period, who, payable in self.from_start():
            line = self.line(who, "MONTHLY_FEE", k, period, table[self.programme])
            yield self.due(line, ripe if k == 1 else payable)

    # --- Rusta och matcha: AF-RUM-2, 3, 7, reading 31 --------------------------------------------------

    def rum(self) -> Iterator[Row]:
        rate = RUM_B_RATES[self.area] if self.programme == "RUM_B" else RUM_RATES[self.programme]
        for k, period, who, payable in self.from_start():
            yield self.due(self.line(who, "BASE", k, period, 22 * rate), payable)

    # --- Stöd och matchning: AF-SOM-2, 3, 6, 7, AMB-33, 34, readings 15, 30, 53 ------------------------

    def som(self) -> Iterator[Row]:
        rate = SOM_RATES[self.programme]
        for k in range(1, 2 + len(self.of("extended"))):
            first = self.start + 90 * (k - 1) * DAY
            end = first + 90 * DAY
            stretch = self.active(first, end)
            if first > self.today or stretch is None:
                continue
            days = [first + n * DAY for n in range(90)]
            served = [one for one in days if any(here.first <= one <= here.last for here in self.stretches)]
            worked = self.weekdays(served)
            if served == days and len(worked) == 1:
                worked = dict.fromkeys(worked, 65)  # a whole period, whatever the calendar says
            for who, count in worked.items():
                yield self.due(self.line(who, "BASE", k, (first, end), count * rate), min(end, stretch.last))
            rest = 65 - sum(worked.values())
            for left in self.stretches:
                to_work = left.exit is not None and left.exit["kind"].startswith(("WORK", "STUDY"))
                if to_work and first <= left.last < end - DAY and rest:
                    period = left.last + DAY, end
                    line = self.line(self.provider(left.last), "SOM_SPEED_PREMIUM", k, period, rest * rate)
                    yield self.due(line, left.last)
                    break

    def weekdays(self, days: list[dt.date]) -> dict[str, int]:
        """Mondays to Fridays among the days, by who was in charge."""
        found: dict[str, int] = {}
        for one in days:
            if one.weekday() < 5:
                found[self.provider(one)] = found.get(self.provider(one), 0) + 1
        return found

    def results(self) -> Iterator[Row]:
        """Decided by AF, payable from its day: AF-SOM-4, AF-RUM-4, reading 55."""
        for n, fact in enumerate(self.of("result_reported"), start=1):
            line = self.line(self.provider(fact["on"]), "RESULT", n, (fact["on"], fact["on"]), fact["amount"])
            yield self.due(line, fact["on"])
