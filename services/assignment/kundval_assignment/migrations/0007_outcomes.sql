-- What came of each assignment, kept in step with its facts: figures are counted from here, never from cases.
-- `settles_on`, `broken` and `supported` say on which day what holds, so that time alone changes no row.
CREATE TABLE outcome (
    tenant                text NOT NULL,
    assignment            text NOT NULL,
    programme             text NOT NULL,
    ground                text NOT NULL,
    source                text,
    source_year           integer,
    decided_on            date,
    started_on            date,
    ended_on              date,
    until_day             date,
    days                  integer,
    exit_kind             text,
    supported             boolean NOT NULL,
    settles_on            date,
    broken                boolean NOT NULL,
    assisted              boolean NOT NULL,
    self_support_loka     boolean NOT NULL,
    bonus_eligible_ami    boolean NOT NULL,
    supplementary_support boolean,
    awaiting_since        date,
    contacts              integer NOT NULL,
    in_person             integer NOT NULL,
    -- of the whole answer with its parts below: a row whose digest is the same is not touched
    digest                text NOT NULL,
    PRIMARY KEY (tenant, assignment),
    FOREIGN KEY (tenant, assignment) REFERENCES assignment
);
CREATE INDEX outcome_started ON outcome (tenant, started_on) WHERE started_on IS NOT NULL;
CREATE INDEX outcome_awaiting ON outcome (tenant, assignment) WHERE awaiting_since IS NOT NULL;

-- A provider's part in an assignment, with what of the outcome is counted by provider.
CREATE TABLE outcome_provider (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    provider        text NOT NULL,
    programme       text NOT NULL,
    ground          text NOT NULL,
    start_day       date NOT NULL,
    until_day       date,
    days            integer,
    contacts        integer NOT NULL,
    in_person       integer NOT NULL,
    -- these four are empty unless the intervention ended with this provider
    ended_on        date,
    exit_kind       text,
    settles_on      date,
    self_supporting boolean NOT NULL,
    -- the last day on which the row says anything
    last_day        date NOT NULL GENERATED ALWAYS AS (COALESCE(settles_on, until_day, 'infinity'::date)) STORED,
    PRIMARY KEY (tenant, assignment, provider),
    FOREIGN KEY (tenant, assignment) REFERENCES outcome
);
CREATE INDEX outcome_provider_compared ON outcome_provider (tenant, programme, last_day);

-- Minutes by activity (kind TIME: times held, minutes) and steps forward (kind STEPS: steps) of a year.
CREATE TABLE outcome_work (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('TIME', 'STEPS')),
    year            integer NOT NULL,
    code            text NOT NULL,
    category        text NOT NULL,
    held            integer NOT NULL,
    minutes         integer NOT NULL,
    PRIMARY KEY (tenant, assignment, kind, year, code, category),
    FOREIGN KEY (tenant, assignment) REFERENCES outcome
);
CREATE INDEX outcome_work_of_a_year ON outcome_work (tenant, year);

-- The comparison of providers that was shown before a choice, or by which was ranked, as it was.
CREATE TABLE shown_results (
    tenant          text NOT NULL,
    snapshot        text NOT NULL,
    assignment      text NOT NULL,
    made_for        text NOT NULL CHECK (made_for IN ('CHOICE', 'RANKING')),
    on_day          date NOT NULL,
    content         text NOT NULL,
    sha256          text NOT NULL,
    made_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, snapshot),
    FOREIGN KEY (tenant, assignment) REFERENCES assignment
);
CREATE INDEX shown_results_of_an_assignment ON shown_results (tenant, assignment, made_at);

-- Yearly values from elsewhere, each with its origin. A better one is added beside; none is changed.
CREATE TABLE yearly_value (
    tenant          text NOT NULL REFERENCES tenant,
    what            text NOT NULL,
    year            integer NOT NULL,
    value           numeric NOT NULL CHECK (value > 0),
    origin          text NOT NULL,
    taken_on        date NOT NULL,
    place           bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (tenant, what, year, taken_on, place)
);

-- A snapshot goes when its time of keeping is over (`retention.snapshots`), in no other way.
CREATE FUNCTION is_kept_as_it_was() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'shown_results' AND current_setting('kundval.erasing', true) = 'on' THEN
        RETURN OLD;
    END IF;
    -- what has been kept for its time is erased (assignment.erase)
    IF TG_OP = 'DELETE' AND current_setting('kundval.erasing', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is kept as it was: no % here', TG_TABLE_NAME, TG_OP;
END $$;

CREATE TRIGGER shown_results_is_kept BEFORE UPDATE OR DELETE ON shown_results
    FOR EACH ROW EXECUTE FUNCTION is_kept_as_it_was();
CREATE TRIGGER shown_results_is_not_emptied BEFORE TRUNCATE ON shown_results
    FOR EACH STATEMENT EXECUTE FUNCTION is_kept_as_it_was();
CREATE TRIGGER yearly_value_is_kept BEFORE UPDATE OR DELETE ON yearly_value
    FOR EACH ROW EXECUTE FUNCTION is_kept_as_it_was();
CREATE TRIGGER yearly_value_is_not_emptied BEFORE TRUNCATE ON yearly_value
    FOR EACH STATEMENT EXECUTE FUNCTION is_kept_as_it_was();
