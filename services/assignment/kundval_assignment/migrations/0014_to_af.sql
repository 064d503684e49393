-- Messages to the employment service. What they say lies in gate_record, sealed, and goes when its ground holds no more;
-- here are ids, codes and days.
CREATE TABLE af_dispatch (
    n               bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    tenant          text NOT NULL,
    -- the number of the message: the same for all of an assignment, kind and period, then the suffix of the resubmission
    dispatch        text NOT NULL,
    assignment      text NOT NULL,
    person          text NOT NULL,
    kind            text NOT NULL,
    period          text NOT NULL,
    suffix          integer NOT NULL CHECK (suffix >= 0),
    -- on whose behalf; none: the municipality's own
    provider        text,
    state           text NOT NULL,
    revision        integer NOT NULL DEFAULT 1,
    -- the day that it follows from, and the last one on which it is in time
    since           date,
    due             date,
    record          text,
    ground          text NOT NULL,
    drafted_by      text NOT NULL,
    submitted_by    text,
    submitted_on    date,
    late            boolean NOT NULL DEFAULT false,
    closing_window  integer,
    -- the same for every attempt
    tracking        uuid UNIQUE,
    attempts        integer NOT NULL DEFAULT 0,
    -- of these, those that count: after some it is given up
    failures        integer NOT NULL DEFAULT 0,
    -- since when it has waited to be sent, and when its turn is
    ready_at        timestamptz,
    next_at         timestamptz,
    trouble         text,
    -- the other side's name for it
    reference       text,
    sent_at         timestamptz,
    PRIMARY KEY (tenant, dispatch),
    UNIQUE (tenant, assignment, kind, period, suffix),
    FOREIGN KEY (tenant, assignment) REFERENCES assignment
);
CREATE INDEX af_dispatch_ready ON af_dispatch (next_at) WHERE state = 'READY';
CREATE INDEX af_dispatch_state ON af_dispatch (tenant, state, n);

-- Every attempt is entered before it is made: one without an end was cut off, or is under way.
CREATE TABLE af_attempt (
    tenant          text NOT NULL,
    dispatch        text NOT NULL,
    number          integer NOT NULL,
    began_at        timestamptz NOT NULL DEFAULT now(),
    ended_at        timestamptz,
    outcome         text,
    code            text,
    PRIMARY KEY (tenant, dispatch, number),
    FOREIGN KEY (tenant, dispatch) REFERENCES af_dispatch ON DELETE CASCADE
);

-- What the employment service said, each once. A comment lies in gate_record.
CREATE TABLE af_feedback (
    tenant          text NOT NULL,
    feedback        text NOT NULL,
    dispatch        text NOT NULL,
    kind            text NOT NULL,
    on_day          date NOT NULL,
    order_number    text,
    record          text,
    heard_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, feedback),
    FOREIGN KEY (tenant, dispatch) REFERENCES af_dispatch ON DELETE CASCADE
);
CREATE INDEX af_feedback_of_dispatch ON af_feedback (tenant, dispatch);

-- Whether the other side answers at all: one row at most.
CREATE TABLE af_circuit (
    single          boolean PRIMARY KEY DEFAULT true CHECK (single),
    failures        integer NOT NULL,
    open_until      timestamptz NOT NULL,
    code            text NOT NULL
);
