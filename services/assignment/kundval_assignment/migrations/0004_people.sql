-- Persons. What says who somebody is lies here sealed (AES-GCM; the key is in the service's settings and not in the
-- database); `search` is a keyed hash of the identity number, so that one can be found by a number that one has.
CREATE TABLE person (
    tenant          text NOT NULL REFERENCES tenant,
    person          text NOT NULL,
    identity        bytea,
    search          bytea,
    details         bytea,
    -- the name of the key that sealed them
    key_id          text,
    registered_at   timestamptz NOT NULL DEFAULT now(),
    -- since then only the id is left, because assignments point to it
    erased_at       timestamptz,
    PRIMARY KEY (tenant, person),
    CHECK (erased_at IS NULL OR (identity IS NULL AND search IS NULL AND details IS NULL))
);
CREATE UNIQUE INDEX person_search ON person (tenant, search) WHERE search IS NOT NULL;

ALTER TABLE assignment ADD COLUMN person text;
ALTER TABLE assignment ADD COLUMN texts_erased_at timestamptz;
ALTER TABLE assignment ADD FOREIGN KEY (tenant, person) REFERENCES person;
CREATE INDEX assignment_of_person ON assignment (tenant, person) WHERE person IS NOT NULL;

-- Protected identities. Which kind it is lies sealed too: that somebody lives under a fictitious identity must not be
-- read off a table.
CREATE TABLE protection (
    tenant          text NOT NULL,
    person          text NOT NULL,
    number          integer NOT NULL,
    kind            bytea NOT NULL,
    key_id          text NOT NULL,
    since           date,
    until           date,
    stated_by       text NOT NULL,
    stated_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, person, number),
    FOREIGN KEY (tenant, person) REFERENCES person,
    CHECK (since <= until)
);

-- Who may see a protected person: subjects of tokens. One that was revoked stays, so that it can be told who could see.
CREATE TABLE protection_reader (
    reading         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant          text NOT NULL,
    person          text NOT NULL,
    reader          text NOT NULL,
    reason          bytea NOT NULL,
    key_id          text NOT NULL,
    until           date NOT NULL,
    named_by        text NOT NULL,
    named_at        timestamptz NOT NULL DEFAULT now(),
    revoked_by      text,
    revoked_at      timestamptz,
    FOREIGN KEY (tenant, person) REFERENCES person
);
CREATE UNIQUE INDEX protection_reader_now ON protection_reader (tenant, person, reader) WHERE revoked_at IS NULL;

-- Every call whose answer was about a person, in the order in which the answers left. Each entry is sealed together
-- with the seal of the entry before it, with a key that is not in the database: whoever changes, removes or inserts one
-- cannot make the seals fit again.
CREATE TABLE access_log (
    tenant          text NOT NULL,
    n               bigint NOT NULL CHECK (n > 0),
    at              timestamptz NOT NULL,
    actor           text NOT NULL,
    role            text NOT NULL,
    organisation    text,
    purpose         text,
    method          text NOT NULL,
    subjects        text[] NOT NULL,
    outcome         text NOT NULL,
    key_id          text NOT NULL,
    previous        bytea NOT NULL,
    mac             bytea NOT NULL,
    PRIMARY KEY (tenant, n)
);
CREATE INDEX access_log_subjects ON access_log USING gin (subjects);
CREATE INDEX access_log_actor ON access_log (tenant, actor, n);

-- Where the log begins since its oldest entries were erased after their time: the number and seal of the last that has
-- gone, sealed itself, so that a log that somebody has shortened does not pass for one that was.
CREATE TABLE access_log_cut (
    tenant          text NOT NULL,
    n               bigint NOT NULL,
    head            bytea NOT NULL,
    at              timestamptz NOT NULL,
    key_id          text NOT NULL,
    mac             bytea NOT NULL,
    PRIMARY KEY (tenant, n)
);

-- What others were told of it, when.
CREATE TABLE access_log_told (
    tenant          text NOT NULL,
    n               bigint NOT NULL,
    head            bytea NOT NULL,
    told_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, n)
);

CREATE FUNCTION refuse_access_log_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'access_log' THEN
        IF EXISTS (SELECT FROM access_log_cut AS cut WHERE cut.tenant = OLD.tenant AND cut.n >= OLD.n) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'the access log is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER access_log_append_only BEFORE UPDATE OR DELETE ON access_log
    FOR EACH ROW EXECUTE FUNCTION refuse_access_log_change();
CREATE TRIGGER access_log_not_emptied BEFORE TRUNCATE ON access_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_access_log_change();
CREATE TRIGGER access_log_cut_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON access_log_cut
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_access_log_change();
CREATE TRIGGER access_log_told_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON access_log_told
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_access_log_change();
