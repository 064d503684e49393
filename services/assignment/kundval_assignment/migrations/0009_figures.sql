-- The figures of a year look at what ran or was settled in it, and at nothing of the years before: with the history of
-- ten years that is a tenth of the table. `outcome_started` found what had begun by then, which is nearly all of it.
CREATE INDEX outcome_running ON outcome (tenant, (COALESCE(until_day, 'infinity'::date)), started_on)
    WHERE started_on IS NOT NULL;
CREATE INDEX outcome_settling ON outcome (tenant, settles_on, ended_on)
    WHERE started_on IS NOT NULL AND settles_on IS NOT NULL;
DROP INDEX outcome_started;
