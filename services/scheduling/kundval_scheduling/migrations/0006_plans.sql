-- Plans of many meetings at once: asked for, made by a process of its own, and accepted or not. Nothing is booked by
-- one before somebody accepts it.
CREATE TABLE plan (
    tenant          text NOT NULL,
    plan            text NOT NULL,
    team            text NOT NULL,
    first_day       date NOT NULL,
    last_day        date NOT NULL,
    solver          text NOT NULL,
    state           text NOT NULL,
    requested_by    text NOT NULL,
    requested_on    date NOT NULL,
    -- how often it was begun: a plan whose making ends the service again and again is given up
    attempts        integer NOT NULL DEFAULT 0,
    figures         jsonb,
    failure         text,
    decided_by      text,
    decided_on      date,
    -- in which order they were asked for
    place           bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (tenant, plan),
    CHECK (last_day >= first_day)
);
CREATE INDEX plan_of_team ON plan (tenant, team, place);
-- never two at a time for one team
CREATE UNIQUE INDEX plan_under_way ON plan (tenant, team) WHERE state IN ('REQUESTED', 'RUNNING');
CREATE INDEX plan_waiting ON plan (place) WHERE state IN ('REQUESTED', 'RUNNING');

-- A meeting of a plan, as `parties` [{"role", "resource"}] and time, or with the reason why it has none. `code`: of
-- that reason, or of what stood against it when the plan was accepted.
CREATE TABLE plan_row (
    tenant          text NOT NULL,
    plan            text NOT NULL,
    meeting         text NOT NULL,
    assignment      text NOT NULL,
    kind            text NOT NULL,
    target          date,
    state           text NOT NULL,
    mode            text,
    starts_at       timestamptz,
    ends_at         timestamptz,
    parties         jsonb NOT NULL DEFAULT '[]',
    interpreter     text,
    place           text,
    room            text,
    code            text,
    others          integer NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, plan, meeting),
    FOREIGN KEY (tenant, plan) REFERENCES plan ON DELETE CASCADE,
    CHECK ((starts_at IS NULL) = (ends_at IS NULL)),
    CHECK (ends_at > starts_at)
);
