-- What a controller has looked at and set aside, with the reason (free text: shown to staff alone). Rows are added,
-- never changed: the latest of an anomaly counts. `assignments` are those that were in it then.
CREATE TABLE anomaly_set_aside (
    number          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant          text NOT NULL,
    anomaly         text NOT NULL,
    reason          text NOT NULL,
    author          text NOT NULL,
    on_day          date NOT NULL,
    assignments     text[] NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX anomaly_set_aside_of_tenant ON anomaly_set_aside (tenant, anomaly, number DESC);

-- The same file is evidence in two assignments, as assignment tells: both ways round.
CREATE TABLE evidence_reuse (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    other           text NOT NULL,
    on_day          date,
    PRIMARY KEY (tenant, assignment, other)
);

-- Which assignments have an exit, a break-off or a follow-up in a period, without going through all facts.
CREATE INDEX held_fact_of_control ON held_fact (tenant, on_day)
    WHERE in_effect AND kind IN ('exited', 'reassessed', 'broke_off', 'premium_follow_up');
