"""The suite on one machine: what `servers`, `setup` and `suite` beside this package do.

Only the standard library is used, since these run before anything is installed. Linux only: processes
are recognised through /proc.
"""
