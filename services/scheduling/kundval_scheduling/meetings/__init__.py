"""Meetings: what is due, booked, held and missed; who and what they claim."""
