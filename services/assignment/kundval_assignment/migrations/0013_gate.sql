-- The purpose gate. A ground says why something about a person may be fetched, kept or passed on; it is opened, and
-- ended once. Ids, codes and days: what it was about lies in gate_record, sealed, and goes when its ground holds no
-- more.
CREATE TABLE gate_ground (
    tenant          text NOT NULL,
    ground          text NOT NULL,
    person          text NOT NULL,
    what            text NOT NULL,
    purpose         text NOT NULL,
    basis           text NOT NULL,
    requester       text NOT NULL,
    -- the only one for whom; none: for the municipality
    provider        text,
    reference       text,
    since           date NOT NULL,
    expires_on      date NOT NULL,
    ended_on        date,
    -- the consent that it rests on: its scope, and the fact by which it was given
    scope           text,
    assignment      text,
    consent         text,
    opened_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, ground),
    FOREIGN KEY (tenant, person) REFERENCES person,
    CHECK (since < expires_on),
    CHECK (basis <> 'CONSENT'
        OR provider IS NOT NULL AND scope IS NOT NULL AND assignment IS NOT NULL AND consent IS NOT NULL)
);
CREATE INDEX gate_ground_of_person ON gate_ground (tenant, person, what);

-- What was fetched or received on a ground, sealed like who a person is.
CREATE TABLE gate_record (
    tenant          text NOT NULL,
    record          text NOT NULL,
    ground          text NOT NULL,
    person          text NOT NULL,
    kind            text NOT NULL,
    sealed          bytea NOT NULL,
    key_id          text NOT NULL,
    kept_on         date NOT NULL,
    PRIMARY KEY (tenant, record),
    FOREIGN KEY (tenant, ground) REFERENCES gate_ground
);
CREATE INDEX gate_record_of_ground ON gate_record (tenant, ground);

-- Every time that the gate stayed shut. Without a person if it was about a household or a reference of nobody here.
CREATE TABLE gate_refusal (
    tenant          text NOT NULL,
    n               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at              timestamptz NOT NULL DEFAULT now(),
    on_day          date NOT NULL,
    person          text,
    what            text NOT NULL,
    purpose         text NOT NULL,
    requester       text NOT NULL,
    provider        text,
    code            text NOT NULL
);
CREATE INDEX gate_refusal_of_tenant ON gate_refusal (tenant, n);
