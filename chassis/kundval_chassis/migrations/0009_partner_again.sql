-- What an operator wants a partner to be told after all; tried once more and gone if it is taken.
ALTER TABLE partner_parked ADD COLUMN again boolean NOT NULL DEFAULT false;
