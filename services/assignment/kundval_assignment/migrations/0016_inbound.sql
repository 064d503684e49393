-- What systems outside the suite tell. Whom they mean: opaque ids of theirs, linked to persons by the municipality.
CREATE TABLE household_member (
    tenant          text NOT NULL,
    household       text NOT NULL,
    person          text NOT NULL,
    since           date NOT NULL,
    until           date,
    PRIMARY KEY (tenant, household, person, since),
    FOREIGN KEY (tenant, person) REFERENCES person,
    CHECK (since < until)
);
CREATE INDEX household_member_person ON household_member (tenant, person);

CREATE TABLE reference_link (
    tenant          text NOT NULL,
    source          text NOT NULL,
    reference       text NOT NULL,
    person          text NOT NULL,
    PRIMARY KEY (tenant, source, reference),
    FOREIGN KEY (tenant, person) REFERENCES person
);
CREATE INDEX reference_link_person ON reference_link (tenant, person);

-- How far has been told of each thing (a payment, a certificate), and whether that there is none: what is older comes
-- too late. Opaque ids: whom it is about is not in it.
CREATE TABLE inbound_seen (
    tenant          text NOT NULL,
    source          text NOT NULL,
    what            text NOT NULL,
    item            text NOT NULL,
    revision        integer NOT NULL,
    withdrawn       boolean NOT NULL,
    PRIMARY KEY (tenant, source, what, item)
);

-- What was taken in of a thing for a person who had a ground for it, and the record in which its contents lie. The
-- record goes with its ground; that it was taken in stays, so that the same is not taken in again.
CREATE TABLE inbound_item (
    tenant          text NOT NULL,
    source          text NOT NULL,
    what            text NOT NULL,
    item            text NOT NULL,
    person          text NOT NULL,
    revision        integer NOT NULL,
    name            text NOT NULL,
    record          text NOT NULL,
    PRIMARY KEY (tenant, source, what, item, person),
    FOREIGN KEY (tenant, person) REFERENCES person
);
CREATE INDEX inbound_item_person ON inbound_item (tenant, person);

-- The facts that stand for assistance told of, by payment.
CREATE TABLE inbound_fact (
    tenant          text NOT NULL,
    payment         text NOT NULL,
    assignment      text NOT NULL,
    start           date NOT NULL,
    until           date NOT NULL,
    scope           text NOT NULL,
    fact            text NOT NULL,
    PRIMARY KEY (tenant, assignment, payment, start, until, scope),
    FOREIGN KEY (tenant, assignment) REFERENCES assignment
);
CREATE INDEX inbound_fact_payment ON inbound_fact (tenant, payment);
