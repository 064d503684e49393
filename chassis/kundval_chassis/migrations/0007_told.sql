-- What has been told, in the order in which partners read it. An event's own number is given before its transaction
-- commits, so a reader who follows it could pass over one that comes later with a lower number. A position is given by
-- the relay alone, in the transaction that takes the event off the outbox: what a reader has passed stays as it was.
-- `told_at` never falls as positions rise.
CREATE TABLE told_event (
    position        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sequence        bigint NOT NULL UNIQUE,
    told_at         timestamptz NOT NULL DEFAULT now()
);

INSERT INTO told_event (sequence, told_at)
SELECT sequence, max(occurred_at) OVER (ORDER BY sequence)
FROM event
WHERE NOT EXISTS (SELECT FROM outbox WHERE outbox.sequence = event.sequence)
ORDER BY sequence;
