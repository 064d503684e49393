-- The keys of commands are a tenant's own: two municipalities may both call a command "run-2024-07". The first that uses a
-- key has its row, as before; the row of another carries its tenant in the key. Null: from before.
ALTER TABLE idempotency ADD COLUMN tenant text;
