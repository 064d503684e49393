"""Who a message is for, as far as delivering it goes: addresses, language, wishes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kundval_contracts.codes import DeliveryChannel, Role


@dataclass(frozen=True, slots=True)
class Party:
    """One recipient.

    id: a person's opaque id for a client, a provider's, a member of staff's; "*" for whoever holds the role.
    addresses: by channel; what is missing cannot be used. refused: channels that the recipient does not want.
    order: the recipient's own order of channels, before that of the notice. digest: NORMAL notices once a day.
    protected: nothing may go out by itself.
    """

    role: Role
    id: str
    language: str = "sv"
    addresses: Mapping[DeliveryChannel, str] = field(default_factory=dict, repr=False)
    secret: str | None = field(default=None, repr=False)
    refused: frozenset[DeliveryChannel] = frozenset()
    order: tuple[DeliveryChannel, ...] | None = None
    digest: bool = False
    protected: bool = False

    @property
    def has_inbox(self) -> bool:
        return self.role is not Role.CLIENT

    def can_use(self, channel: DeliveryChannel) -> bool:
        """Whether there is an address for it, and it has not been refused."""
        return channel in self.addresses and channel not in self.refused
