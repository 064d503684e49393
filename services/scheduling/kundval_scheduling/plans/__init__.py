"""Planning many meetings at once: a solver proposes, a person accepts."""
