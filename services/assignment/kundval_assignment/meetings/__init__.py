"""Meetings, as scheduling tells of them: the facts that follow."""
