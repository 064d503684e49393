"""The base service as the running service asks it, and the codes of the employment service that it knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from kundval_chassis.service import Dependency
from kundval_chassis.web import trusting
from kundval_contracts.af.forms import Forms, load
from kundval_contracts.errors import Conflict

from .soap import Question, Ssbtek
from .terms import Submitter, Terms, read


class Service(Protocol):
    """Something that answers for the agencies."""

    def ask(self, question: Question) -> bytes:
        """The answer as it came. Raises `KundvalError` with a code of `AfFault`."""

    def probe(self, submitter: Submitter, officer: str) -> bytes:
        """Whether it answers at all, without anything about anybody. Raises as `ask`."""


class Asking:
    """A base service and the terms on which it is asked, or neither; and the forms of orders and decisions."""

    def __init__(self, service: Service | None = None, terms: Terms | None = None, codes: Path | None = None):
        self._service, self._terms = service, terms
        self.forms: Forms = load(codes)

    def configured(self) -> tuple[Service, Terms]:
        """Raises Conflict (`NOT_CONFIGURED`)."""
        if self._service is None or self._terms is None:
            raise Conflict("No base service is configured.", code="NOT_CONFIGURED")
        return self._service, self._terms


class EmploymentService(Dependency):
    """What the settings ``KUNDVAL_ASSIGNMENT_AF_…`` name; in a worker an `Asking`."""

    asking: Asking
    _service: Ssbtek | None = None

    def setup(self) -> None:
        config = self.container.config
        url: str | None = config["KUNDVAL_AF_SSBTEK_URL"]
        terms: Terms | None = None
        if url is not None:
            # that all of it is there, and of use, the settings have looked at
            context = trusting(
                config["KUNDVAL_AF_SSBTEK_AUTHORITY"],
                config["KUNDVAL_AF_SSBTEK_CERTIFICATE"],
                config["KUNDVAL_AF_SSBTEK_KEY"],
            )
            terms = read(config["KUNDVAL_AF_SSBTEK_TERMS"])
            self._service = Ssbtek(url, context, seconds=config["KUNDVAL_AF_SSBTEK_SECONDS"])
        self.asking = Asking(self._service, terms, config["KUNDVAL_AF_CODES"])

    def stop(self) -> None:
        if self._service is not None:
            self._service.close()

    def get_dependency(self, worker_ctx: Any) -> Asking:
        return self.asking
