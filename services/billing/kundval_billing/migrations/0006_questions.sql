-- Questions about money that are reckoned in the background: a draft over the real history, or a year to come. `asked`
-- is the question as it was given, `result` the answer in groups, never line by line.
CREATE TABLE question (
    tenant          text NOT NULL,
    question        text NOT NULL,
    kind            text NOT NULL,
    title           text NOT NULL DEFAULT '',
    year            integer,
    as_of           date NOT NULL,
    asked           jsonb NOT NULL,
    state           text NOT NULL,
    asked_by        text NOT NULL,
    asked_on        date NOT NULL,
    -- how often it was begun: one whose reckoning ends the service again and again is given up
    attempts        integer NOT NULL DEFAULT 0,
    failure         text,
    -- business date, assignments and facts of the moment over which it was reckoned
    snapshot        jsonb,
    result          jsonb,
    -- in which order they were asked
    place           bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (tenant, question)
);
CREATE INDEX question_of_tenant ON question (tenant, place);
CREATE INDEX question_waiting ON question (place) WHERE state IN ('REQUESTED', 'RUNNING');

-- What a year may cost, by versions: the latest holds, none is ever changed. `about`: TOTAL, APPROPRIATION (of the
-- state) or a programme. Without an amount it takes back what was set.
CREATE TABLE budget (
    tenant          text NOT NULL,
    year            integer NOT NULL,
    about           text NOT NULL,
    version         integer NOT NULL CHECK (version > 0),
    amount          numeric(14, 2) CHECK (amount >= 0),
    set_by          text NOT NULL,
    set_on          date,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, year, about, version)
);

CREATE FUNCTION refuse_budget_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a budget is not changed: set another version' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER budget_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON budget
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_budget_change();
