"""Persons: who they are, who may see it, who was shown it, and when it has to go."""
