-- Who said where somebody gets messages, and since when a webhook takes none any more.
ALTER TABLE party ADD COLUMN changed_by text NOT NULL DEFAULT 'system';
ALTER TABLE party ADD COLUMN webhook_closed_at timestamptz;
-- what is escalated to the team manager of a unit goes to one
CREATE UNIQUE INDEX party_leads_unit ON party (tenant, unit) WHERE role = 'TEAM_MANAGER' AND unit IS NOT NULL;
