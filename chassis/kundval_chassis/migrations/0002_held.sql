-- What a service holds of the assignment service's truth: the tenants, the assignments and their facts.
CREATE TABLE tenant (
    tenant          text PRIMARY KEY,
    municipality    text,
    settings        jsonb NOT NULL DEFAULT '{}',
    tariffs         jsonb NOT NULL DEFAULT '[]',
    providers       jsonb NOT NULL DEFAULT '[]',
    business_date   date,
    -- number of the event that opened it; null while only a later event has arrived
    sequence        bigint
);

CREATE TABLE held_case (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    programme       text NOT NULL,
    delivery_area   text,
    plan            jsonb NOT NULL DEFAULT '{}',
    sequence        bigint NOT NULL,
    PRIMARY KEY (tenant, assignment)
);

-- A fact that was withdrawn stays as a row that is not in effect: an older revision that arrives later must lose.
CREATE TABLE held_fact (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    fact_id         text NOT NULL,
    revision        integer NOT NULL,
    in_effect       boolean NOT NULL,
    kind            text,
    place           integer,
    on_day          date,
    known_on        date,
    data            jsonb,
    PRIMARY KEY (tenant, assignment, fact_id),
    CHECK (NOT in_effect OR (kind IS NOT NULL AND place IS NOT NULL AND on_day IS NOT NULL AND known_on IS NOT NULL
                             AND data IS NOT NULL))
);
