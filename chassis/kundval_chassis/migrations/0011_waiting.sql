-- How several processes of a service share its events. The broker gives them to one process, in order; what it does not
-- get to at once it lays out here, and every process takes from here, one tenant at a time, the oldest first. A row goes
-- in the transaction in which its event takes effect.
CREATE TABLE waiting_event (
    place           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant          text NOT NULL,
    message_id      text NOT NULL,
    content_type    text NOT NULL,
    headers         jsonb NOT NULL,
    body            text NOT NULL,
    since           timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_analyze_threshold = 10000);
CREATE INDEX waiting_event_of_tenant ON waiting_event (tenant, place);

-- The events of a tenant are handled by one transaction at a time. This version asks for the tenant's turn before it
-- begins; one from before there were turns marks its events first, and waits here. Whoever has the turn passes.
CREATE FUNCTION await_turn() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('events' || chr(31) || one.tenant, 0))
    FROM (SELECT DISTINCT tenant FROM marked ORDER BY tenant) AS one;
    RETURN NULL;
END
$$;
CREATE TRIGGER in_turn AFTER INSERT ON inbox
    REFERENCING NEW TABLE AS marked FOR EACH STATEMENT EXECUTE FUNCTION await_turn();
