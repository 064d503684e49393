-- What was told of the money of each assignment, as prints of its standings (domain/states.py): what has another print
-- is told again. `until`: the first day on which time alone can change one; null: only news can. "Now" is a day too, the
-- first there is. The agenda of payment runs is another: a run must not put to rest what has not been told.
CREATE TABLE told (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    -- rises with every telling
    revision        bigint NOT NULL DEFAULT 0,
    until           date,
    -- provider, kind and sequence with a space between -> print
    items           jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant, assignment)
);
INSERT INTO told (tenant, assignment, until) SELECT tenant, assignment, DATE '0001-01-01' FROM held_case;
CREATE INDEX told_until ON told (tenant, until, assignment);

-- Bonuses, and premium months that are on hold: what there is to claim, to supplement or to decide. `since`: the business
-- date on which the state was first told. Everything else about one is computed when somebody asks.
CREATE TABLE claim (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    provider        text NOT NULL,
    kind            text NOT NULL,
    sequence        integer NOT NULL,
    state           text NOT NULL,
    since           date NOT NULL,
    PRIMARY KEY (tenant, assignment, provider, kind, sequence)
);
CREATE INDEX claim_of_state ON claim (tenant, state, assignment);
CREATE INDEX claim_of_provider ON claim (tenant, provider, assignment);

-- What a person must decide: the work list of claims, oldest first.
CREATE TABLE claim_question (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    exit            text NOT NULL,
    code            text NOT NULL,
    provider        text NOT NULL,
    about           text NOT NULL,
    rules           text[] NOT NULL,
    said            jsonb NOT NULL,
    since           date NOT NULL,
    PRIMARY KEY (tenant, assignment, exit, code)
);

-- Assignments of one person whose bonus claims may be about the same thing, as assignment tells it; `others` empty: not any
-- more. `since`: the business date on which it was first heard; `hold`: what keeps the bonus back until a person has
-- looked, and ends it (0003).
CREATE TABLE claims_overlap (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    revision        bigint NOT NULL,
    others          text[] NOT NULL,
    grounds         text[] NOT NULL,
    since           date,
    hold            bigint REFERENCES hold,
    PRIMARY KEY (tenant, assignment)
);
