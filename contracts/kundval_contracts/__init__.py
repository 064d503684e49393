"""What the services say to each other and to the world: events, RPC, code lists, errors and a client."""
