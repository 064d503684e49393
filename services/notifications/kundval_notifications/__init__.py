"""Notices that facts and obligations cause, rendered and delivered once."""
