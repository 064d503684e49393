-- Protected persons. What is told about them leaves whole for the services of the suite alone; everybody else gets a
-- masked copy. An event is restricted if it was published so, or if its subject is restricted when it is sent: that a
-- person becomes protected later holds for what was kept before too, and rewrites nothing.
ALTER TABLE event ADD COLUMN restricted boolean NOT NULL DEFAULT false;
CREATE INDEX event_restricted ON event (tenant, subject) WHERE restricted;

CREATE TABLE restricted_subject (
    tenant          text NOT NULL,
    subject         text NOT NULL,
    restricted      boolean NOT NULL,
    -- number of the event of assignment that said so, so that an older one that comes later loses; null where it is decided
    sequence        bigint,
    PRIMARY KEY (tenant, subject)
);

-- Whether the queue that it has now gets restricted events too, and has been sent those from before.
ALTER TABLE subscription ADD COLUMN restricted boolean NOT NULL DEFAULT false;
