-- Assignments with what eligibility looks at. The client's data never leaves this service.
CREATE TABLE assignment (
    tenant          text NOT NULL REFERENCES tenant,
    assignment      text NOT NULL,
    programme       text NOT NULL,
    delivery_area   text,
    plan            jsonb NOT NULL,
    client          jsonb NOT NULL,
    state           text NOT NULL,
    -- business date from which the state may be another though nothing is stated
    changes_on      date,
    registered_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, assignment)
);

CREATE INDEX assignment_in_time ON assignment (tenant, changes_on) WHERE changes_on IS NOT NULL;

-- Every fact ever stated, with the judgement of today: in effect, or refused with the findings (code,
-- message, rules). `revision` rises
-- each time that the outside is told something new about the fact (0: never told). Nothing is ever deleted.
CREATE TABLE stated_fact (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    fact_id         text NOT NULL,
    place           integer NOT NULL,
    kind            text NOT NULL,
    on_day          date NOT NULL,
    known_on        date NOT NULL CHECK (known_on >= on_day),
    data            jsonb NOT NULL,
    in_effect       boolean NOT NULL,
    findings        jsonb NOT NULL DEFAULT '[]',
    revision        integer NOT NULL DEFAULT 0,
    stated_at       timestamptz NOT NULL DEFAULT now(),
    withdrawn_at    timestamptz,
    PRIMARY KEY (tenant, assignment, fact_id),
    FOREIGN KEY (tenant, assignment) REFERENCES assignment,
    UNIQUE (tenant, assignment, place),
    CHECK (in_effect OR withdrawn_at IS NOT NULL OR findings <> '[]')
);
CREATE INDEX stated_fact_refused ON stated_fact (tenant, assignment, place) WHERE NOT in_effect AND withdrawn_at IS NULL;
