-- The plan of the latest assignment description, where there is one; it takes the place of the one registered.
ALTER TABLE assignment ADD COLUMN described jsonb;
-- What was told to the others of what follows from the facts: key -> {"revision": n, "data": {...} or null}.
ALTER TABLE assignment ADD COLUMN milestones jsonb NOT NULL DEFAULT '{}';
-- Target groups that the client was in at the decision; the first is the primary one (AMI-1.3-f).
ALTER TABLE assignment ADD COLUMN target_groups text[] NOT NULL DEFAULT '{}';
