-- Each time that this database was put back to an older moment and brought in step again (`kundval recover`). What was
-- done between `restored_to` and `lost_at` may have left the suite already: messages, payments, reports.
CREATE TABLE restoration (
    recovered_at    timestamptz PRIMARY KEY DEFAULT now(),
    -- the last thing that the database knows of, and until when the lost one may have worked
    restored_to     timestamptz NOT NULL,
    lost_at         timestamptz NOT NULL,
    -- the highest number of an event here, and the highest that others had taken in
    own_sequence    bigint NOT NULL,
    seen_sequence   bigint NOT NULL,
    CHECK (restored_to <= lost_at)
);
