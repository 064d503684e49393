"""Documents of payments: Peppol invoices and credit notes, payment bases, statements, the journal for the books.

documents.problem(tx, tenant, provider, direction, day)   why none could be issued, as a code, or None
documents.issue(tx, tenant, payment, day)                 issue those of a payment; their numbers
"""

from __future__ import annotations

from .issue import Problem, issue, problem

__all__ = ["Problem", "issue", "problem"]
