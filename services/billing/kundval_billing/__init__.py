"""Payments to providers: entitlements, the append-only ledger and the payment runs."""
