-- The sources whose whole history this service has asked for, for the queue that it has now. A row is written when the
-- request is safe at the broker and removed when the queue turns out to be gone.
CREATE TABLE subscription (
    source          text PRIMARY KEY,
    asked_at        timestamptz NOT NULL DEFAULT now()
);
