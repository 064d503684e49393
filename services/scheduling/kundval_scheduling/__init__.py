"""Meetings, deadlines and the other obligations that follow from the facts of an assignment."""
