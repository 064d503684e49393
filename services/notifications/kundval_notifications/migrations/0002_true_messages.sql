-- The business date on which an obligation stands as told: on an earlier one nothing may be made of it.
ALTER TABLE held_obligation ADD COLUMN as_of date NOT NULL DEFAULT '0001-01-01';
ALTER TABLE held_obligation ALTER COLUMN as_of DROP DEFAULT;

-- A message whose reason went before it was sent is withdrawn: telling somebody of it would be wrong. If the reason
-- comes back it is sent after all.
ALTER TABLE message DROP CONSTRAINT message_state_check;
ALTER TABLE message ADD CONSTRAINT message_state_check CHECK (state IN ('PENDING', 'SENT', 'FAILED', 'WITHDRAWN'));
