-- What was told of an assignment's deadlines and registration at the employment service: number of the last event, what
-- was told to be so, and the next business date on which something may be late though nothing is stated.
CREATE TABLE af_watch (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    revision        integer NOT NULL DEFAULT 0,
    -- kind, number and day (due, or that of the check) of each
    told            jsonb NOT NULL DEFAULT '[]',
    looks_on        date,
    PRIMARY KEY (tenant, assignment),
    FOREIGN KEY (tenant, assignment) REFERENCES assignment
);
CREATE INDEX af_watch_in_time ON af_watch (tenant, looks_on) WHERE looks_on IS NOT NULL;
