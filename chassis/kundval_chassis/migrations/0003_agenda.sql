-- When a held case has to be looked at again though nothing new is heard of it (a day on which something falls due).
-- No row: look at it now. `until` null: only news can change anything.
CREATE TABLE agenda (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    until           date,
    PRIMARY KEY (tenant, assignment)
);
