-- Who else reads the log, and of what. The same row stands in the database of every service (`kundval partner`); the
-- newer one counts. No secret is kept: `secrets` says which generations of each kind there are, under which key of the
-- deployment each was made, and the last day on which a former one is good. One that has ended keeps its row, so that
-- its secrets do not come to life again under the same id.
CREATE TABLE partner (
    id              text PRIMARY KEY CHECK (id ~ '^[a-z][a-z0-9-]{1,38}$'),
    -- municipalities; none named: all
    tenants         text[] NOT NULL,
    -- patterns of event names, as topics of AMQP: `*` one word, `#` any number
    names           text[] NOT NULL CHECK (names <> '{}'),
    ways            text[] NOT NULL CHECK (ways <@ '{FEED,QUEUE,WEBHOOK}'),
    secrets         jsonb NOT NULL,
    webhook_url     text CHECK (webhook_url IS NOT NULL OR NOT ways @> '{WEBHOOK}'),
    since           date NOT NULL,
    ended           date,
    changed_at      timestamptz NOT NULL
);

-- How far a partner has been told by a way in which the service comes to it: all up to `position`.
CREATE TABLE partner_way (
    partner         text NOT NULL REFERENCES partner,
    way             text NOT NULL CHECK (way IN ('QUEUE', 'WEBHOOK')),
    position        bigint NOT NULL DEFAULT 0,
    -- attempts at the next one, when there is to be another, and why the last one failed
    attempts        integer NOT NULL DEFAULT 0,
    next_at         timestamptz,
    trouble         text,
    PRIMARY KEY (partner, way)
);

-- What a partner could not be told; the others went on.
CREATE TABLE partner_parked (
    partner         text NOT NULL REFERENCES partner,
    way             text NOT NULL CHECK (way IN ('QUEUE', 'WEBHOOK')),
    position        bigint NOT NULL,
    code            text NOT NULL,
    attempts        integer NOT NULL,
    since           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (partner, way, position)
);
