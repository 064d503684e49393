"""Gives a service the rule settings of its deployment (the file that `KUNDVAL_RULES_FILE` names)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nameko.extensions import DependencyProvider


class DeploymentRules(DependencyProvider):
    """In a worker: the typed rule settings that the deployment gives, without defaults filled in."""

    def get_dependency(self, worker_ctx: Any) -> Mapping[str, Any]:
        rules: Mapping[str, Any] = self.container.config["settings"].rules
        return rules
