"""Partners: other organisations' systems, which read copies of what a service has told.

| Module | |
| --- | --- |
| `registry` | who they are: one row in the database of every service |
| `keys` | their secrets, derived from a setting and kept nowhere |
| `log` | what was told, in the order of positions |
| `copies`, `pseudonyms` | what of it a partner gets, and under which ids |
| `ways`, `parked` | how far each has been told where the service comes to it, and what was passed over |
| `distribute`, `outlets` | telling them: into queues and by webhooks |
| `broker` | a partner's user at the broker |
| `feed` | the paged feed over HTTP |
"""
