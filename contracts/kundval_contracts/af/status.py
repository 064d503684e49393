"""What the employment service says of a jobseeker, in the suite's own words: the contract `af.jobseeker_status.v1`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from marshmallow import RAISE, Schema, fields, post_load, validate

from ..codes import AfAgency, AfErrorSource, CategoryScheme, JobseekerCategory
from ..fact_fields import code as _code
from ..fact_fields import counted_from, percent
from ..rules import rule
from ..text import IDENTIFIER
from .categories import LONGEST, Category

#: the contract that `SCHEMA` is
NAME = "af.jobseeker_status.v1"

#: decisions and agencies' faults of one answer, at most
MOST = 100


@dataclass(frozen=True, slots=True)
class Compensation:
    """A decision on compensation. `kind`: as the employment service calls it; `to`: the first day after, None: open."""

    kind: str | None
    extent_pct: int | None
    since: date | None
    to: date | None

    def on(self, day: date) -> bool:
        """Whether it covers the day. Without a first day it is not known to."""
        return self.since is not None and self.since <= day and (self.to is None or day < self.to)


@dataclass(frozen=True, slots=True)
class AgencyFault:
    """An agency that has not answered: by codes only."""

    agency: AfAgency
    source: AfErrorSource
    code: str | None


@dataclass(frozen=True, slots=True)
class JobseekerStatus:
    """What the employment service says of one person, as of `as_of`, the day on which it was asked.

    registered: None if it does not say. protected: it marks the identity as confidential. unread: names of fields that
    were missing or not to be read.
    """

    as_of: date
    registered: bool | None = None
    registered_since: date | None = None
    deregistered_on: date | None = None
    category: Category | None = None
    extent_pct: int | None = None
    activity_report_on: date | None = None
    compensations: tuple[Compensation, ...] = ()
    status_code: str | None = None
    protected: bool = False
    faults: tuple[AgencyFault, ...] = ()
    unread: tuple[str, ...] = ()

    @rule("AMI-1.3.2-a")
    def registered_on(self, day: date) -> bool | None:
        """Registered as jobseeker on a day: from the first day of the registration until before the day on which it
        ended; None if the answer does not say.
        """
        if not self.registered:
            return self.registered
        if self.deregistered_on is not None and day >= self.deregistered_on:
            return False
        return self.registered_since is None or self.registered_since <= day


# --- the contract --------------------------------------------------------------------------------------


class _Schema(Schema):
    shape: type

    class Meta:
        unknown = RAISE

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        return self.shape(**{key: tuple(value) if isinstance(value, list) else value for key, value in data.items()})


def _short(**kwargs: Any) -> fields.String:
    return fields.String(validate=IDENTIFIER, allow_none=True, load_default=None, **kwargs)


def _day(**kwargs: Any) -> fields.Date:
    return counted_from(allow_none=True, load_default=None, **kwargs)


class CategorySchema(_Schema):
    shape = Category
    scheme = _code(CategoryScheme, required=True)
    code = _short()
    meaning = _code(JobseekerCategory, required=True)
    text = fields.String(validate=validate.Length(1, LONGEST), allow_none=True, load_default=None)


class CompensationSchema(_Schema):
    shape = Compensation
    kind = _short()
    extent_pct = percent(allow_none=True, load_default=None)
    since = _day()
    to = _day()


class AgencyFaultSchema(_Schema):
    shape = AgencyFault
    agency = _code(AfAgency, required=True)
    source = _code(AfErrorSource, required=True)
    code = _short()


class JobseekerStatusSchema(_Schema):
    shape = JobseekerStatus
    as_of = counted_from(required=True)
    registered = fields.Boolean(allow_none=True, load_default=None)
    registered_since = _day()
    deregistered_on = _day()
    category = fields.Nested(CategorySchema, allow_none=True, load_default=None)
    extent_pct = percent(allow_none=True, load_default=None)
    activity_report_on = _day()
    compensations = fields.List(
        fields.Nested(CompensationSchema), load_default=list, validate=validate.Length(max=MOST)
    )
    status_code = _short()
    protected = fields.Boolean(load_default=False)
    faults = fields.List(fields.Nested(AgencyFaultSchema), load_default=list, validate=validate.Length(max=MOST))
    unread = fields.List(fields.String(validate=IDENTIFIER), load_default=list, validate=validate.Length(max=MOST))


SCHEMA = JobseekerStatusSchema()
