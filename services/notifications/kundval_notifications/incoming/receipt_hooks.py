"""Receipts that other systems post: ``POST /receipts/<secret name>``, in the words of the channel's profile."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kundval_chassis import clock
from kundval_chassis.hooks import Hooks, Unfit
from kundval_contracts.codes import DeliveryChannel

from ..channels import receipt_names
from ..channels.receipt import Receipt, plain_receipt
from ..delivery import receipts


class ReceiptHooks(Hooks):
    prefix = "/receipts/"

    def setup(self) -> None:
        super().setup()
        config = self.container.config
        self._names = receipt_names(config)
        self._read: dict[DeliveryChannel, Callable[[bytes], Receipt | None]] = {
            DeliveryChannel.DIGITAL_MAIL: plain_receipt
        }
        if (profile := config["KUNDVAL_SMS_PROFILE"]) is not None:
            self._read[DeliveryChannel.SMS] = profile.receipt

    def names(self) -> Mapping[str, DeliveryChannel]:
        return self._names

    def take(self, what: DeliveryChannel, body: bytes) -> None:
        """Enter what a receipt says. One of a message that nobody knows is answered as any other: a sender that is told
        of it would only repeat it.
        """
        try:
            found = self._read[what](body)
        except ValueError:
            raise Unfit from None
        if found is not None:
            with self.pool().tx() as tx:
                receipts.take(tx, what, found.reference, found.status, found.code, clock.now())
