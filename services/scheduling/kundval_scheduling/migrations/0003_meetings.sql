-- Meetings (rulebook 8.2), who and what takes part in them, and what they claim. Who claims what for which time is the
-- database's to guard: two claims of one resource never overlap, whoever books them and whenever.
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- Staff of the municipality and of providers, rooms, interpreters. `hours` are weekly working hours in local time:
-- [{"weekday": 1..7, "start": "08:00", "end": "12:00", "place": text|null, "first": date|null, "last": date|null}].
CREATE TABLE resource (
    tenant          text NOT NULL,
    resource        text NOT NULL,
    kind            text NOT NULL,
    team            text,
    provider        text,
    place           text,
    fte             numeric(4, 3) NOT NULL DEFAULT 1 CHECK (fte > 0 AND fte <= 1),
    languages       text[] NOT NULL DEFAULT '{}',
    seats           integer CHECK (seats > 0),
    hours           jsonb NOT NULL DEFAULT '[]',
    active          boolean NOT NULL DEFAULT true,
    PRIMARY KEY (tenant, resource)
);

-- Minutes from one place to another; the way back takes as long unless it has a row of its own.
CREATE TABLE travel (
    tenant          text NOT NULL,
    origin          text NOT NULL,
    destination     text NOT NULL,
    minutes         integer NOT NULL CHECK (minutes >= 0),
    PRIMARY KEY (tenant, origin, destination)
);

-- Who usually takes part for an assignment, and what the client needs (AF-SOM-17). `client` is an opaque id of the
-- person: two assignments of one person are one person here.
CREATE TABLE participant (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    client          text NOT NULL,
    guide           text,
    contact         text,
    team            text,
    place           text,
    swedish_ok      boolean NOT NULL DEFAULT true,
    languages       text[] NOT NULL DEFAULT '{}',
    hours           jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (tenant, assignment)
);

-- `attempt` counts the meetings of one need: after a missed one the next is due. `version` is the SEQUENCE of the
-- invitation. `assignment` is null for a group session or a forum; whom those are about stands in meeting_subject.
CREATE TABLE meeting (
    tenant          text NOT NULL,
    meeting         text NOT NULL,
    kind            text NOT NULL,
    state           text NOT NULL,
    assignment      text,
    sequence        integer NOT NULL DEFAULT 1,
    attempt         integer NOT NULL DEFAULT 1,
    needed          boolean NOT NULL DEFAULT false,
    target          date,
    book_from       date,
    book_by         date,
    hold_by         date,
    booker          text,
    rules           jsonb NOT NULL DEFAULT '[]',
    provider        text,
    team            text,
    starts_at       timestamptz,
    ends_at         timestamptz,
    mode            text,
    place           text,
    room            text,
    language        text,
    series          text,
    seats           integer CHECK (seats > 0),
    version         integer NOT NULL DEFAULT 0,
    held_on         date,
    outcome         text,
    measures        jsonb NOT NULL DEFAULT '[]',
    cancel_reason   text,
    -- of a group session: the group activity that it is one of
    activity        text,
    -- business date of the latest booking
    booked_on       date,
    -- how it stands was told by facts of assignment, not recorded here
    elsewhere       boolean NOT NULL DEFAULT false,
    revision        integer NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant, meeting),
    CHECK ((starts_at IS NULL) = (ends_at IS NULL)),
    CHECK (ends_at > starts_at),
    -- of one that was booked elsewhere the time is not known
    CHECK (state <> 'BOOKED' OR starts_at IS NOT NULL OR elsewhere)
);
-- never two open meetings for one need
CREATE UNIQUE INDEX meeting_open ON meeting (tenant, assignment, kind, sequence)
    WHERE needed AND state IN ('DUE', 'DUE_OVERDUE', 'BOOKED', 'OVERDUE');
CREATE INDEX meeting_of_assignment ON meeting (tenant, assignment);
CREATE INDEX meeting_of_time ON meeting (tenant, starts_at);
CREATE INDEX meeting_of_series ON meeting (tenant, series) WHERE series IS NOT NULL;

CREATE TABLE meeting_subject (
    tenant          text NOT NULL,
    meeting         text NOT NULL,
    assignment      text NOT NULL,
    -- a group session: null has a place, a number waits for one
    waiting         integer,
    attended        boolean,
    PRIMARY KEY (tenant, meeting, assignment),
    FOREIGN KEY (tenant, meeting) REFERENCES meeting ON DELETE CASCADE
);
CREATE INDEX meeting_subject_assignment ON meeting_subject (tenant, assignment);

-- `resource` is a resource, or `client/<id>` for a client, or an opaque id of somebody who is not kept here (an employer).
CREATE TABLE party (
    tenant          text NOT NULL,
    meeting         text NOT NULL,
    role            text NOT NULL,
    resource        text NOT NULL,
    mandatory       boolean NOT NULL,
    response        text NOT NULL DEFAULT 'NEEDS_ACTION',
    responded_at    timestamptz,
    attended        boolean,
    PRIMARY KEY (tenant, meeting, role, resource),
    FOREIGN KEY (tenant, meeting) REFERENCES meeting ON DELETE CASCADE
);
CREATE INDEX party_of_resource ON party (tenant, resource);

-- What is taken: by a meeting, or (meeting null) by an absence.
CREATE TABLE claim (
    tenant          text NOT NULL,
    claim           bigint GENERATED ALWAYS AS IDENTITY,
    resource        text NOT NULL,
    meeting         text,
    absence         text,
    place           text,
    during          tstzrange NOT NULL CHECK (NOT isempty(during) AND lower_inc(during) AND NOT upper_inc(during)),
    PRIMARY KEY (tenant, claim),
    FOREIGN KEY (tenant, meeting) REFERENCES meeting ON DELETE CASCADE,
    CHECK ((meeting IS NULL) <> (absence IS NULL)),
    EXCLUDE USING gist (tenant WITH =, resource WITH =, during WITH &&)
);
CREATE INDEX claim_of_meeting ON claim (tenant, meeting);
CREATE UNIQUE INDEX claim_of_absence ON claim (tenant, absence) WHERE absence IS NOT NULL;
