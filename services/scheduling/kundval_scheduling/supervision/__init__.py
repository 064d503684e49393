"""Obligations about providers: visits of supervision, kept in step with what assignment tells and with the day."""
