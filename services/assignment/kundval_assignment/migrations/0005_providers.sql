-- Every fact ever stated about a provider, with the judgement of today: in effect, or refused with code, message and
-- rules. Nothing is ever deleted. `for_provider`: stated in the provider's own name.
CREATE TABLE provider_fact (
    tenant          text NOT NULL REFERENCES tenant,
    provider        text NOT NULL,
    fact_id         text NOT NULL,
    place           integer NOT NULL,
    kind            text NOT NULL,
    on_day          date NOT NULL,
    known_on        date NOT NULL CHECK (known_on >= on_day),
    data            jsonb NOT NULL,
    stated_by       text NOT NULL,
    for_provider    boolean NOT NULL,
    in_effect       boolean NOT NULL,
    judgement       jsonb,
    stated_at       timestamptz NOT NULL DEFAULT now(),
    withdrawn_at    timestamptz,
    PRIMARY KEY (tenant, provider, fact_id),
    CHECK (in_effect OR withdrawn_at IS NOT NULL OR judgement IS NOT NULL)
);
CREATE UNIQUE INDEX provider_fact_place ON provider_fact (tenant, provider, place) WHERE withdrawn_at IS NULL;

-- What follows from the facts about a provider and from what the tenant was opened with, as it was told last: the
-- provider as others see it, its state in each programme, the business date from which it may be another.
CREATE TABLE provider (
    tenant          text NOT NULL REFERENCES tenant,
    provider        text NOT NULL,
    merged          jsonb NOT NULL,
    states          jsonb NOT NULL,
    changes_on      date,
    PRIMARY KEY (tenant, provider)
);
CREATE INDEX provider_in_time ON provider (tenant, changes_on) WHERE changes_on IS NOT NULL;

-- Whose place at a provider is taken: clients whom it has, and open offers. Kept in step by the judging of facts; of
-- assignments that were there before this table it is filled when the tenant is opened again.
CREATE TABLE place (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    provider        text NOT NULL,
    programme       text NOT NULL,
    PRIMARY KEY (tenant, assignment),
    FOREIGN KEY (tenant, assignment) REFERENCES assignment
);
CREATE INDEX place_of_a_provider ON place (tenant, provider, programme);

-- Choices of a provider: when it was chosen last, and which assignments a change of its authorisation concerns.
CREATE INDEX stated_fact_choice ON stated_fact (tenant, (data ->> 'provider'), on_day)
    WHERE withdrawn_at IS NULL AND kind IN ('provider_chosen', 'provider_switch', 'resumed');
