-- What was known when: every revision of a fact that money looks at, every version of the terms and every business date
-- as assignment told them, written once. `sequence` is the number in assignment's own log, so that who takes in the same
-- log again, in whatever order and however often, holds the same history: what was told on a day lies between two business
-- dates there. `taken` is the order in which it was taken in here; a payment run has a place in it and has seen what lies
-- before.
CREATE SEQUENCE known_order;

CREATE TABLE known (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    fact_id         text NOT NULL,
    revision        integer NOT NULL,
    -- false: from then on the fact counts no longer, and nothing more is said of it
    in_effect       boolean NOT NULL,
    kind            text,
    place           integer,
    on_day          date,
    known_on        date,
    data            jsonb,
    -- 0: held since before there was a history, so told before everything else as far as is known here
    sequence        bigint NOT NULL,
    taken           bigint NOT NULL DEFAULT nextval('known_order'),
    PRIMARY KEY (tenant, assignment, fact_id, revision),
    CHECK (NOT in_effect OR (kind IS NOT NULL AND place IS NOT NULL AND on_day IS NOT NULL AND known_on IS NOT NULL
                             AND data IS NOT NULL))
);

CREATE TABLE known_terms (
    tenant          text NOT NULL,
    sequence        bigint NOT NULL,
    municipality    text NOT NULL,
    settings        jsonb NOT NULL,
    tariffs         jsonb NOT NULL,
    providers       jsonb NOT NULL,
    taken           bigint NOT NULL DEFAULT nextval('known_order'),
    PRIMARY KEY (tenant, sequence)
);

CREATE TABLE known_day (
    tenant          text NOT NULL,
    sequence        bigint NOT NULL,
    day             date NOT NULL,
    PRIMARY KEY (tenant, sequence)
);

-- Where in that order a run stands; null for runs from before there was a history.
ALTER TABLE payment_run ADD COLUMN taken bigint;
ALTER TABLE payment_run ALTER COLUMN taken SET DEFAULT nextval('known_order');

-- What is held already. A replay of assignment's log brings its true numbers, and the earlier revisions.
INSERT INTO known (tenant, assignment, fact_id, revision, in_effect, kind, place, on_day, known_on, data, sequence)
SELECT tenant, assignment, fact_id, revision, in_effect, kind, place, on_day, known_on, data, 0
FROM held_fact;
INSERT INTO known_terms (tenant, sequence, municipality, settings, tariffs, providers)
SELECT tenant, sequence, municipality, settings, tariffs, providers FROM tenant WHERE sequence IS NOT NULL;
INSERT INTO known_day (tenant, sequence, day)
SELECT tenant, 0, business_date FROM tenant WHERE business_date IS NOT NULL;

CREATE FUNCTION refuse_other_past() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was known is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER known_append_only BEFORE UPDATE ON known
    FOR EACH ROW WHEN (OLD.sequence <> 0) EXECUTE FUNCTION refuse_other_past();
CREATE TRIGGER known_kept BEFORE DELETE OR TRUNCATE ON known
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_other_past();
CREATE TRIGGER known_terms_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON known_terms
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_other_past();
CREATE TRIGGER known_day_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON known_day
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_other_past();
