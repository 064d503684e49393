-- A provider's clients in order: those whose place it holds, and those whose intervention it had last.
CREATE INDEX place_in_order ON place (tenant, provider, assignment);
CREATE INDEX outcome_provider_in_order ON outcome_provider (tenant, provider, assignment)
    WHERE until_day IS NULL OR ended_on IS NOT NULL;
