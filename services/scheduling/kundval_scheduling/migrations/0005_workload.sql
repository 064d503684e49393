-- When assignments run, as the core last answered: the stretches of each, and who is in charge.
CREATE TABLE active (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    first_day       date NOT NULL,
    until_day       date,
    provider        text,
    PRIMARY KEY (tenant, assignment, first_day),
    CHECK (until_day > first_day)
);
-- every case is looked at again with the next business date, so that it gets its rows
UPDATE agenda SET until = DATE '0001-01-01';

-- What stands whatever its day, and what was met and due within some weeks. Takes the place of obligation_open.
CREATE INDEX obligation_state ON obligation (tenant, state, due);
DROP INDEX obligation_open;

CREATE INDEX meeting_unbooked ON meeting (tenant, target) WHERE state IN ('DUE', 'DUE_OVERDUE', 'OVERDUE');
