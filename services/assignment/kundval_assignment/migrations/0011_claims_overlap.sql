-- What was told of bonus claims of one person that may be about the same thing. `others` empty: that it is no longer so.
CREATE TABLE claims_overlap (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    -- rises with every telling
    revision        bigint NOT NULL,
    others          text[] NOT NULL,
    grounds         text[] NOT NULL,
    PRIMARY KEY (tenant, assignment)
);
