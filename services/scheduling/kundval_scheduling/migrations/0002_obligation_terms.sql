-- Days on which a provider was looked at, by channel, as assignment told last; `sequence` is that of the event.
CREATE TABLE provider_held (
    tenant          text NOT NULL,
    provider        text NOT NULL,
    channels        jsonb NOT NULL,
    sequence        bigint NOT NULL,
    PRIMARY KEY (tenant, provider)
);

-- What is to be done about a provider: the visits of supervision, as the core last answered.
CREATE TABLE provider_obligation (
    tenant          text NOT NULL,
    provider        text NOT NULL,
    kind            text NOT NULL,
    sequence        integer NOT NULL,
    due             date NOT NULL,
    responsible     text NOT NULL,
    state           text NOT NULL,
    met_on          date,
    rules           jsonb NOT NULL,
    PRIMARY KEY (tenant, provider, kind, sequence)
);
