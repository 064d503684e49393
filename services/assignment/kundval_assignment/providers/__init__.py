"""Providers: facts about them, their authorisation and supervision, the places that they have."""
