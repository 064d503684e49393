"""A tree in the form that was asked for. No database here: lines that were computed from a file are told so too."""

from __future__ import annotations

from typing import Any

from kundval_contracts.answer import Line
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import ExplanationForm

from ..domain.explain import Tree, basis_of, tree_of_line
from . import forms
from .tell import Viewer, told
from .words import words_of

Json = dict[str, Any]


def answer(tree: Tree, lang: str, form: ExplanationForm, viewer: Viewer) -> Json:
    """The answer of `billing.explanation`."""
    shown = told(tree, words_of(lang), viewer)
    return {
        "assignment": shown["assignment"],
        "lang": lang,
        "form": form.value,
        "tree": shown if form is ExplanationForm.TREE else None,
        "text": forms.render(shown, lang) if form is ExplanationForm.TEXT else None,
        "html": forms.page(shown, lang) if form is ExplanationForm.HTML else None,
    }


def of_line(line: Line, case: Case, tenant: Tenant, lang: str, form: str) -> Json:
    """The derivation of a line that was computed from a file, as `billing.explanation` answers staff."""
    facts = {fact.id: fact for fact in case.facts}
    tree = tree_of_line(line, facts, basis_of(line, case, tenant.settings))
    return answer(tree, lang, ExplanationForm(form), Viewer())
