"""Clients, providers and assignments: the record of facts, and the truth about them."""
