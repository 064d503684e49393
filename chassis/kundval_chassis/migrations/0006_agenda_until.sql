-- Whom to look at on a day is found by the day alone, however many cases rest: so "now" is a day too, the first there is,
-- and every held case has a row.
INSERT INTO agenda (tenant, assignment, until)
SELECT tenant, assignment, DATE '0001-01-01' FROM held_case
ON CONFLICT DO NOTHING;
CREATE INDEX agenda_until ON agenda (tenant, until, assignment);
