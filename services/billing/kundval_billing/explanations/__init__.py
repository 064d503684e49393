"""Explanations: the derivation of every krona, and what was known and owed on any earlier day."""
