-- What other services told beside facts, obligations and postings: codes, days and opaque ids alone. Each event once;
-- nothing is changed or taken back, so the order in which they come does not matter.
CREATE TABLE heard (
    tenant          text NOT NULL,
    about           text NOT NULL,
    subject         text NOT NULL,
    name            text NOT NULL,
    item            text NOT NULL,
    revision        bigint NOT NULL,
    on_day          date NOT NULL,
    data            jsonb NOT NULL,
    PRIMARY KEY (tenant, about, subject, name, item, revision)
);

-- The days on which somebody chose a provider, for those whom nobody chooses.
CREATE INDEX held_choice ON held_fact (tenant, (data ->> 'provider'), on_day)
    WHERE kind = 'provider_chosen' AND in_effect;

-- Until when nothing can change by itself for a payment; as `agenda` for assignments.
CREATE TABLE payment_agenda (
    tenant          text NOT NULL,
    payment         text NOT NULL,
    until           date,
    PRIMARY KEY (tenant, payment)
);
