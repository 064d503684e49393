"""How every service runs: database, outbox and inbox, RPC, events, tokens, telemetry and the command."""
