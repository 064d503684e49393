-- Notices about providers and payments beside those about assignments, told again while they still hold, and no longer
-- worth sending once what they ask for has come about.
ALTER TABLE notice RENAME COLUMN assignment TO subject;
ALTER TABLE notice ADD COLUMN about text NOT NULL DEFAULT 'ASSIGNMENT';
ALTER TABLE notice ADD COLUMN round integer NOT NULL DEFAULT 0;
-- the instant at which what causes it was told, as the event says
ALTER TABLE notice ADD COLUMN caused_at timestamptz;
ALTER TABLE notice ADD COLUMN overtaken_at timestamptz;
ALTER TABLE notice ADD COLUMN lapses_on date;
-- in the inbox of who has one: about the notice, not about what was sent of it, which it can come before
ALTER TABLE notice ADD COLUMN read_at timestamptz;
ALTER TABLE notice ADD COLUMN read_by text;

-- Who holds a case: the career guide and the unit, as assignment's facts say. Their inboxes show its notices.
CREATE TABLE holder (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    guide           text,
    unit            text,
    PRIMARY KEY (tenant, assignment)
);

ALTER TABLE message DROP CONSTRAINT message_state_check;
ALTER TABLE message ADD CONSTRAINT message_state_check CHECK (state IN
    ('PENDING', 'SENT', 'DELIVERED', 'BY_HAND', 'TOLD', 'FAILED', 'WITHDRAWN', 'CANCELLED'));
-- why it waits, or why it was withdrawn, cancelled or left to a person
ALTER TABLE message ADD COLUMN waits text;
ALTER TABLE message ADD COLUMN reason text;
-- the dispatch by which it goes or went last; pending without one it is to be routed from next_attempt on
ALTER TABLE message ADD COLUMN dispatch text;
-- channels that have failed since it became pending
ALTER TABLE message ADD COLUMN tried text[] NOT NULL DEFAULT '{}';
ALTER TABLE message ADD COLUMN pending_since timestamptz NOT NULL DEFAULT now();
-- sent again by a person although its reason has gone
ALTER TABLE message ADD COLUMN insisted boolean NOT NULL DEFAULT false;
DROP INDEX message_pending;
CREATE INDEX message_to_route ON message (next_attempt, notice) WHERE state = 'PENDING' AND dispatch IS NULL;

-- What leaves: one message for one notice or several of the same recipient. Its id is what the other side knows it by,
-- so that handing it over again is recognised: Message-ID, client reference, webhook id. No address is kept, but by
-- which it can be shown later that one was the right one.
CREATE TABLE dispatch (
    dispatch        text PRIMARY KEY,
    tenant          text NOT NULL,
    channel         text NOT NULL,
    role            text NOT NULL,
    party           text NOT NULL,
    urgency         text NOT NULL,
    digest          boolean NOT NULL DEFAULT false,
    language        text,
    template        text,
    template_version text,
    address_mark    bytea,
    -- what fails together: the channel, or one address of it (each webhook is a server of its own)
    lane            text NOT NULL,
    state           text NOT NULL DEFAULT 'READY' CHECK (state IN
                    ('READY', 'SENDING', 'SENT', 'DELIVERED', 'BOUNCED', 'FAILED', 'WITHDRAWN')),
    attempts        integer NOT NULL DEFAULT 0,
    -- those of the attempts that count towards the limit: an outage is not the message's fault
    failures        integer NOT NULL DEFAULT 0,
    next_attempt    timestamptz NOT NULL DEFAULT now(),
    -- who has taken it up has it until then; after a crash another takes it up again
    leased_by       text,
    leased_until    timestamptz,
    code            text,
    reference       text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    sent_at         timestamptz,
    settled_at      timestamptz
);
CREATE INDEX dispatch_ready ON dispatch (channel, next_attempt) WHERE state IN ('READY', 'SENDING');
CREATE INDEX dispatch_of_party ON dispatch (tenant, role, party, created_at);
CREATE INDEX dispatch_by_reference ON dispatch (channel, reference) WHERE reference IS NOT NULL;
CREATE INDEX dispatch_marked ON dispatch (settled_at) WHERE address_mark IS NOT NULL;

CREATE TABLE dispatch_notice (
    dispatch        text NOT NULL REFERENCES dispatch,
    notice          bigint NOT NULL REFERENCES notice,
    PRIMARY KEY (dispatch, notice)
);
CREATE INDEX dispatch_of_notice ON dispatch_notice (notice);

-- Each attempt is entered before it is made.
CREATE TABLE attempt (
    dispatch        text NOT NULL REFERENCES dispatch,
    number          integer NOT NULL,
    began_at        timestamptz NOT NULL DEFAULT now(),
    ended_at        timestamptz,
    outcome         text NOT NULL DEFAULT 'BEGUN',
    code            text,
    PRIMARY KEY (dispatch, number)
);

-- What the other side says of it. The same said twice is one row.
CREATE TABLE receipt (
    dispatch        text NOT NULL REFERENCES dispatch,
    status          text NOT NULL,
    code            text,
    received_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (dispatch, status)
);

-- What came before what it is about was recorded: the other side can be quicker than our own commit.
CREATE TABLE early_receipt (
    channel         text NOT NULL,
    reference       text NOT NULL,
    status          text NOT NULL,
    code            text,
    received_at     timestamptz NOT NULL,
    noted_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (channel, reference, status)
);

-- Lanes on which nobody answers, or where the other side has asked for a pause. Shared by all instances.
CREATE TABLE circuit (
    lane            text PRIMARY KEY,
    channel         text NOT NULL,
    code            text NOT NULL,
    failures        integer NOT NULL,
    since           timestamptz NOT NULL DEFAULT now(),
    retry_at        timestamptz NOT NULL
);

-- What a person did about a message: told it by hand, sent it again, cancelled it. Append-only.
CREATE TABLE message_act (
    act             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    notice          bigint NOT NULL REFERENCES notice,
    tenant          text NOT NULL,
    what            text NOT NULL CHECK (what IN ('TOLD', 'RESENT', 'CANCELLED')),
    how             text,
    reason          text,
    actor           text NOT NULL,
    acted_at        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX act_of_notice ON message_act (notice);

-- Who stands behind a role: the municipality's directory of staff and providers. A client's addresses are assignment's.
CREATE TABLE party (
    tenant          text NOT NULL,
    role            text NOT NULL,
    party           text NOT NULL,
    unit            text,
    addresses       jsonb NOT NULL DEFAULT '{}',
    secret          bytea,
    language        text NOT NULL DEFAULT 'sv',
    changed_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, role, party)
);

-- What somebody wants and does not want. For a client `party` is the opaque id of the person.
CREATE TABLE preference (
    tenant          text NOT NULL,
    role            text NOT NULL,
    party           text NOT NULL,
    refused         text[] NOT NULL DEFAULT '{}',
    channels        text[],
    digest          boolean NOT NULL DEFAULT false,
    language        text,
    changed_by      text NOT NULL,
    changed_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, role, party)
);
