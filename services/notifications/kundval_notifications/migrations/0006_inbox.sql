-- The career guide who holds the case of a notice, as `holder` says, so that an index finds what is in whose inbox: a
-- join would go through everybody's notices. Whoever changes `holder` or enters a notice need not think of it.
ALTER TABLE notice ADD COLUMN guide text;
CREATE FUNCTION notice_takes_guide() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT holder.guide INTO NEW.guide FROM holder WHERE holder.tenant = NEW.tenant AND holder.assignment = NEW.subject;
    RETURN NEW;
END $$;
CREATE TRIGGER notice_takes_guide BEFORE INSERT ON notice
    FOR EACH ROW WHEN (NEW.about = 'ASSIGNMENT') EXECUTE FUNCTION notice_takes_guide();
CREATE FUNCTION holder_tells_notices() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE notice SET guide = NEW.guide WHERE tenant = NEW.tenant AND about = 'ASSIGNMENT' AND subject = NEW.assignment
        AND guide IS DISTINCT FROM NEW.guide;
    RETURN NULL;
END $$;
CREATE TRIGGER holder_tells_notices AFTER INSERT OR UPDATE OF guide ON holder
    FOR EACH ROW EXECUTE FUNCTION holder_tells_notices();

-- an inbox, newest first; a provider's; what is unread in any
CREATE INDEX notice_of_guide ON notice (tenant, recipient, guide, notice);
CREATE INDEX notice_of_provider ON notice (tenant, provider, notice) WHERE provider IS NOT NULL;
CREATE INDEX notice_unread ON notice (tenant, recipient, guide, notice) WHERE read_at IS NULL AND recipient <> 'CLIENT';

-- what is to be told by hand
CREATE INDEX message_by_hand ON message (tenant, notice) WHERE state = 'BY_HAND';
-- figures by day or month
CREATE INDEX notice_by_day ON notice (tenant, on_day);
-- what went wrong for good, newest first; what waits to leave
CREATE INDEX dispatch_failed ON dispatch (tenant, created_at, dispatch) WHERE state IN ('FAILED', 'BOUNCED');
CREATE INDEX dispatch_waiting ON dispatch (tenant, created_at, dispatch) WHERE state IN ('READY', 'SENDING');
