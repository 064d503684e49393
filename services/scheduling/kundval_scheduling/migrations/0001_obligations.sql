-- What is to be done, by whom and when, as the core last answered. `revision` is the number of the event that told it.
CREATE TABLE obligation (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    kind            text NOT NULL,
    sequence        integer NOT NULL,
    due             date,
    overdue_after   date,
    responsible     text NOT NULL,
    provider        text,
    state           text NOT NULL,
    met_on          date,
    rules           jsonb NOT NULL,
    PRIMARY KEY (tenant, assignment, kind, sequence)
);
CREATE INDEX obligation_open ON obligation (tenant, due) WHERE state IN ('OPEN', 'OVERDUE');

-- How many times the others were told about an assignment's obligations.
CREATE TABLE obligation_revision (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    revision        integer NOT NULL,
    PRIMARY KEY (tenant, assignment)
);
