"""The services over plain HTTP and JSON, for systems that do not speak AMQP: `POST /v1/<service>/<method>`.

A process of its own on plain threads. It is made from `kundval_contracts.rpc.METHODS` and holds no code for any method,
no database and no key: the caller's token goes on to the service, which alone decides.

| Module | |
| --- | --- |
| `app` | the WSGI application: addresses, limits, answers |
| `ask` | what a request must be before a service is asked |
| `server` | settings, the HTTP server, a clean end |
"""
