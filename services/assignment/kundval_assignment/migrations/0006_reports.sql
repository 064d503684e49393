-- Reports (rulebook 8.3): what has been saved. What is expected or overdue is computed from the facts and stands here
-- only once somebody has written something. They are numbered as their kind says: month, run, exit, referral.
CREATE TABLE report (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    kind            text NOT NULL,
    sequence        integer NOT NULL,
    part            integer NOT NULL,
    -- who writes it; null: the municipality
    provider        text,
    state           text NOT NULL CHECK (state IN ('DRAFT', 'SUBMITTED', 'RETURNED', 'APPROVED')),
    contents        jsonb NOT NULL,
    attachments     jsonb NOT NULL,
    author          text NOT NULL,
    revision        integer NOT NULL,
    version         integer NOT NULL DEFAULT 0,
    fact_id         text,
    submitted_on    date,
    approved_on     date,
    return_reason   text,
    PRIMARY KEY (tenant, assignment, kind, sequence, part),
    FOREIGN KEY (tenant, assignment) REFERENCES assignment
);

-- Every submission as it was. Only that it was returned, when and why, comes to it later.
CREATE TABLE report_version (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    kind            text NOT NULL,
    sequence        integer NOT NULL,
    part            integer NOT NULL,
    version         integer NOT NULL,
    provider        text,
    author          text NOT NULL,
    submitted_on    date NOT NULL,
    submitted_at    timestamptz NOT NULL DEFAULT now(),
    contents        jsonb NOT NULL,
    attachments     jsonb NOT NULL,
    checksum        text NOT NULL,
    fact_id         text,
    returned_on     date,
    return_reason   text,
    PRIMARY KEY (tenant, assignment, kind, sequence, part, version),
    FOREIGN KEY (tenant, assignment, kind, sequence, part) REFERENCES report
);

-- Evidence: the bytes, what they were found to be, who brought them and when. Names of files are not kept.
CREATE TABLE document (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    document        text NOT NULL,
    code            text NOT NULL,
    type            text NOT NULL,
    file            text,
    provider        text,
    author          text NOT NULL,
    size            integer NOT NULL,
    sha256          text NOT NULL,
    scan            text NOT NULL,
    added_at        timestamptz NOT NULL DEFAULT now(),
    content         bytea NOT NULL,
    PRIMARY KEY (tenant, assignment, document),
    FOREIGN KEY (tenant, assignment) REFERENCES assignment,
    CHECK (length(content) = size)
);
-- the types are compressed already
ALTER TABLE document ALTER COLUMN content SET STORAGE EXTERNAL;

-- What was told of an assignment's reports: number of the last event, the reports told to be overdue, and the next
-- business date on which one may be so though nothing is stated.
CREATE TABLE report_watch (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    revision        integer NOT NULL DEFAULT 0,
    told            jsonb NOT NULL DEFAULT '[]',
    looks_on        date,
    PRIMARY KEY (tenant, assignment),
    FOREIGN KEY (tenant, assignment) REFERENCES assignment
);
CREATE INDEX report_watch_in_time ON report_watch (tenant, looks_on) WHERE looks_on IS NOT NULL;

-- A provider's assignments, without looking through those of the others.
CREATE INDEX stated_fact_provider ON stated_fact (tenant, (data ->> 'provider'), assignment)
    WHERE kind IN ('provider_chosen', 'provider_switch', 'resumed');

CREATE FUNCTION stays_as_it_was() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was submitted stays as it was' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER report_version_stays
    BEFORE UPDATE OF author, provider, submitted_on, submitted_at, contents, attachments, checksum, fact_id
    ON report_version FOR EACH ROW EXECUTE FUNCTION stays_as_it_was();
CREATE TRIGGER document_stays BEFORE UPDATE ON document FOR EACH ROW EXECUTE FUNCTION stays_as_it_was();
