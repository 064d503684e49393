-- A fact that is stated again rightly takes the place of the one that was withdrawn.
ALTER TABLE stated_fact DROP CONSTRAINT stated_fact_tenant_assignment_place_key;
CREATE UNIQUE INDEX stated_fact_place ON stated_fact (tenant, assignment, place) WHERE withdrawn_at IS NULL;
