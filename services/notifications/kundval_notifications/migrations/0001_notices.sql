-- Obligations as scheduling last told them. A removed one stays as a mark, so that an older event that comes later loses.
CREATE TABLE held_obligation (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    kind            text NOT NULL,
    sequence        integer NOT NULL,
    revision        integer NOT NULL,
    removed         boolean NOT NULL,
    data            jsonb,
    PRIMARY KEY (tenant, assignment, kind, sequence),
    CHECK (removed OR data IS NOT NULL)
);

-- Ledger entries as billing told them.
CREATE TABLE held_posting (
    tenant          text NOT NULL,
    entry           text NOT NULL,
    assignment      text NOT NULL,
    provider        text NOT NULL,
    kind            text NOT NULL,
    sequence        integer NOT NULL,
    run             date NOT NULL,
    amount          numeric(14, 2) NOT NULL,
    reverses        date,
    PRIMARY KEY (tenant, entry)
);
CREATE INDEX held_posting_of_case ON held_posting (tenant, assignment);

-- Every notice that was ever due. One whose reason has gone (a fact was withdrawn) is marked, not deleted: it was sent.
CREATE TABLE notice (
    notice          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    kind            text NOT NULL,
    recipient       text NOT NULL,
    on_day          date NOT NULL,
    sequence        integer NOT NULL,
    provider        text,
    rules           jsonb NOT NULL,
    details         jsonb NOT NULL,
    late            boolean NOT NULL DEFAULT false,
    superseded_at   timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant, assignment, kind, recipient, on_day, sequence)
);

-- The message of a notice and its delivery: one each, sent once.
CREATE TABLE message (
    notice          bigint PRIMARY KEY REFERENCES notice,
    tenant          text NOT NULL,
    state           text NOT NULL CHECK (state IN ('PENDING', 'SENT', 'FAILED')) DEFAULT 'PENDING',
    channel         text,
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt    timestamptz NOT NULL DEFAULT now(),
    sent_at         timestamptz
);
CREATE INDEX message_pending ON message (next_attempt, notice) WHERE state = 'PENDING';
CREATE INDEX message_of_tenant ON message (tenant, state);
