-- Orders of the employment service to the municipality as its supplier: every version that was received, once. Ids,
-- codes and days, from which the facts of an assignment follow; everything else that an order says lies in gate_record,
-- sealed. Without an assignment until a version that is in force has been received.
CREATE TABLE af_order (
    tenant              text NOT NULL,
    order_number        text NOT NULL,
    version             text NOT NULL,
    n                   bigint GENERATED ALWAYS AS IDENTITY,
    person              text NOT NULL,
    assignment          text,
    former_order        text,
    state               text NOT NULL,
    service             text NOT NULL,
    track               text NOT NULL,
    order_from          date NOT NULL,
    order_to            date NOT NULL,
    intervention_from   date,
    intervention_to     date,
    ordered_on          date,
    changed_at          timestamptz,
    delivery_area       text,
    outcome             text NOT NULL,
    fault               text,
    received_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, order_number, version),
    FOREIGN KEY (tenant, person) REFERENCES person
);
CREATE UNIQUE INDEX af_order_n ON af_order (tenant, n);
CREATE INDEX af_order_of_person ON af_order (tenant, person);
CREATE INDEX af_order_of_assignment ON af_order (tenant, assignment);
