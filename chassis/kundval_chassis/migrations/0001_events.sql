-- Events out. `event` is the log of everything that this service has published: written once, never updated in the
-- course of sending, kept for replay. `outbox` is the short list of what the relay has still to send: a number each,
-- removed when the broker has confirmed. Two tables, because marking the log itself would rewrite every row (and all
-- its index entries) once more; this way the log stays free of dead rows.
CREATE TABLE event (
    sequence        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id              uuid NOT NULL,
    name            text NOT NULL,
    version         smallint NOT NULL,
    subject         text NOT NULL,
    tenant          text NOT NULL,
    occurred_at     timestamptz NOT NULL,
    correlation_id  text,
    traceparent     text,
    data            jsonb NOT NULL,
    -- when the broker gave it back because no queue takes it; it can be sent again with a replay
    returned_at     timestamptz
);
CREATE INDEX event_of_tenant ON event (tenant, sequence);
CREATE INDEX event_returned ON event (sequence) WHERE returned_at IS NOT NULL;

CREATE TABLE outbox (
    sequence        bigint PRIMARY KEY
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_analyze_threshold = 10000);

-- Events in: an event whose id is here has had its effect. Written in the transaction of the effect.
CREATE TABLE inbox (
    id              uuid PRIMARY KEY,
    source          text NOT NULL,
    tenant          text NOT NULL,
    sequence        bigint NOT NULL,
    handled_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX inbox_of_tenant ON inbox (tenant, source);

-- Answers of commands, so that the same command sent again is answered and not carried out again.
CREATE TABLE idempotency (
    method          text NOT NULL,
    key             text NOT NULL,
    request_hash    text NOT NULL,
    answer          jsonb,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (method, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);
