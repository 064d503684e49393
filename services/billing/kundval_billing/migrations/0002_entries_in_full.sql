-- What a payment, a document and an explanation need of an entry, without looking at the case again. Entries from before
-- have none of it and stay as they are: the ledger is append-only.
ALTER TABLE entry
    ADD COLUMN programme text,
    -- PAYABLE: the municipality pays the provider. RECEIVABLE: the employment service pays the municipality as supplier
    ADD COLUMN direction text NOT NULL DEFAULT 'PAYABLE' CHECK (direction IN ('PAYABLE', 'RECEIVABLE')),
    -- the period of the line, half-open
    ADD COLUMN starts date,
    ADD COLUMN ends date,
    -- `because` by its code, to be said in another language: {code, values}
    ADD COLUMN said jsonb,
    -- ids of the facts that decided what the line stood at
    ADD COLUMN facts jsonb NOT NULL DEFAULT '[]';

-- An entry without rows, or whose rows move another amount than it says, is found at commit: what is payable to a
-- provider grows on the right, what is receivable on the left.
CREATE OR REPLACE FUNCTION require_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT coalesce(sum(amount) FILTER (WHERE account LIKE 'payable:%'), 0)
            - coalesce(sum(amount) FILTER (WHERE account LIKE 'receivable:%'), 0) FROM entry_row
        WHERE entry = NEW.entry) <> -NEW.amount THEN
        RAISE EXCEPTION 'an entry must have rows that move its amount' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
