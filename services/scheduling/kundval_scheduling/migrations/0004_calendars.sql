-- Calendars: who subscribes to what, and what invitations were answered with.

-- From this everybody's address in invitations is made, so that no id stands in one.
CREATE TABLE calendar_key (
    one             boolean PRIMARY KEY DEFAULT true CHECK (one),
    key             text NOT NULL
);
INSERT INTO calendar_key (key) VALUES (gen_random_uuid()::text || gen_random_uuid()::text);

-- An address to subscribe to. The secret in it is not here, only its SHA-256. `owner` is a resource, a provider or a
-- client's opaque id, as `kind` says; `provider` is that of whoever made it, if a provider did.
CREATE TABLE calendar_feed (
    tenant          text NOT NULL,
    feed            text NOT NULL,
    kind            text NOT NULL,
    owner           text NOT NULL,
    provider        text,
    assignment      text,
    lang            text NOT NULL,
    digest          bytea NOT NULL UNIQUE,
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    revoked_at      timestamptz,
    PRIMARY KEY (tenant, feed)
);
CREATE INDEX calendar_feed_of_owner ON calendar_feed (tenant, kind, owner);

-- The last answer of each party to each version of an invitation. `stamp` is the DTSTAMP of that answer.
CREATE TABLE calendar_answer (
    tenant          text NOT NULL,
    meeting         text NOT NULL,
    role            text NOT NULL,
    resource        text NOT NULL,
    version         integer NOT NULL,
    response        text NOT NULL,
    stamp           timestamptz NOT NULL,
    PRIMARY KEY (tenant, meeting, role, resource, version),
    FOREIGN KEY (tenant, meeting) REFERENCES meeting ON DELETE CASCADE
);
CREATE INDEX meeting_of_provider ON meeting (tenant, provider, starts_at) WHERE provider IS NOT NULL;
