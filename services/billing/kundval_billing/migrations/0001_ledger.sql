-- The ledger: append-only, double entry. An entry is one signed posting of a billing line; its two rows say which
-- accounts it moves money between and sum to nothing. The database itself refuses an update, a delete, an entry that
-- does not balance, and a second posting with the same business key.
CREATE TABLE entry (
    entry           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    provider        text NOT NULL,
    kind            text NOT NULL,
    sequence        integer NOT NULL,
    -- how many-th posting of this line it is: the business key with the four columns before
    revision        integer NOT NULL CHECK (revision > 0),
    run             date NOT NULL,
    amount          numeric(14, 2) NOT NULL CHECK (amount <> 0),
    -- the run whose posting of the same line this one takes back
    reverses        date,
    rules           jsonb NOT NULL,
    because         text NOT NULL,
    -- the derivation; it recomputes to the amount
    steps           jsonb NOT NULL,
    ruleset         text NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant, assignment, provider, kind, sequence, revision),
    CHECK ((amount < 0) = (reverses IS NOT NULL))
);
CREATE INDEX entry_of_run ON entry (tenant, run);

CREATE TABLE entry_row (
    entry           bigint NOT NULL REFERENCES entry,
    account         text NOT NULL,
    amount          numeric(14, 2) NOT NULL,
    PRIMARY KEY (entry, account)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: post a correction instead' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entry_row_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry_row
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Rows come in statements that hold whole entries, so a statement is the place to check: much cheaper than a check
-- for each row at commit.
CREATE FUNCTION require_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM entry_row JOIN (SELECT DISTINCT entry FROM fresh) AS touched USING (entry)
        GROUP BY entry HAVING sum(amount) <> 0 OR count(*) < 2
    ) THEN
        RAISE EXCEPTION 'an entry must balance' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER entry_row_balanced AFTER INSERT ON entry_row
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION require_balance();

-- An entry without rows, or whose rows move another amount than it says, is found at commit.
CREATE FUNCTION require_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT coalesce(sum(amount) FILTER (WHERE account LIKE 'payable:%'), 0) FROM entry_row
        WHERE entry = NEW.entry) <> -NEW.amount THEN
        RAISE EXCEPTION 'an entry must have rows that move its amount' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER entry_has_rows AFTER INSERT ON entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_rows();

-- Payment runs that have taken place; a run before the latest one would take back what is not yet payable on its day.
CREATE TABLE payment_run (
    tenant          text NOT NULL,
    run             date NOT NULL,
    postings        integer NOT NULL,
    amount          numeric(14, 2) NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX payment_run_of_tenant ON payment_run (tenant, run);
