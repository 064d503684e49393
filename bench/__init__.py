"""Measured claims about the suite, with peers beside: `python -m bench`. See README.md in this folder."""
