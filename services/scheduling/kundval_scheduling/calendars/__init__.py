"""Invitations and calendars to subscribe to (iCalendar, RFC 5545 and 5546)."""
