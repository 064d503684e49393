-- What goes out: parties, documents, accounting. All of it is append-only: a change is a new version, a wrong document
-- is credited by another.
CREATE FUNCTION refuse_change_of_what_went_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what went out is append-only' USING ERRCODE = 'restrict_violation';
END $$;

-- Providers as receivers of money. A sole trader's name and number are personal: they stand here and on documents alone.
CREATE TABLE payee (
    version         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant          text NOT NULL,
    provider        text NOT NULL,
    valid_from      date NOT NULL,
    party           jsonb NOT NULL,
    -- the agreement of self-billing: {starts, ends, reference}
    agreement       jsonb,
    recorded_by     text NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX payee_in_force ON payee (tenant, provider, valid_from DESC, version DESC);

-- The municipality as payer, and the employment service as its customer.
CREATE TABLE payer (
    version         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant          text NOT NULL,
    role            text NOT NULL CHECK (role IN ('MUNICIPALITY', 'CUSTOMER')),
    valid_from      date NOT NULL,
    party           jsonb NOT NULL,
    -- ownership of a provider -> {treatment, reason}
    vat_by_ownership jsonb NOT NULL DEFAULT '{}',
    recorded_by     text NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX payer_in_force ON payer (tenant, role, valid_from DESC, version DESC);

-- The last number of each series. The row is locked until the transaction ends, so that a rollback leaves no gap.
CREATE TABLE number_series (
    tenant          text NOT NULL,
    series          text NOT NULL,
    year            integer NOT NULL,
    last            integer NOT NULL CHECK (last > 0),
    PRIMARY KEY (tenant, series, year)
);

CREATE TABLE document (
    tenant          text NOT NULL,
    number          text NOT NULL,
    kind            text NOT NULL,
    direction       text NOT NULL CHECK (direction IN ('PAYABLE', 'RECEIVABLE')),
    provider        text NOT NULL,
    payment         bigint NOT NULL,
    run             date NOT NULL,
    issued_on       date NOT NULL,
    due_on          date NOT NULL,
    net             numeric(14, 2) NOT NULL,
    vat             numeric(14, 2) NOT NULL,
    gross           numeric(14, 2) NOT NULL,
    -- parties, lines and totals, from which each form but the original is made
    content         jsonb NOT NULL,
    -- the original: the Peppol document, or the CSV of a payment basis
    body            bytea NOT NULL,
    sha256          text NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, number),
    CHECK (gross = net + vat),
    CHECK (sha256 = encode(sha256(body), 'hex'))
);
CREATE INDEX document_of_provider ON document (tenant, provider, issued_on);
CREATE INDEX document_of_payment ON document (payment);
CREATE INDEX document_of_run ON document (tenant, run);

-- An entry goes out in one document only.
CREATE TABLE document_entry (
    entry           bigint PRIMARY KEY REFERENCES entry,
    tenant          text NOT NULL,
    number          text NOT NULL,
    FOREIGN KEY (tenant, number) REFERENCES document
);
CREATE INDEX entry_of_document ON document_entry (tenant, number);

-- How the ledger's accounts are called in the municipality's books.
CREATE TABLE accounting (
    version         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant          text NOT NULL,
    valid_from      date NOT NULL,
    plan            jsonb NOT NULL,
    recorded_by     text NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX accounting_in_force ON accounting (tenant, valid_from DESC, version DESC);

CREATE TABLE journal (
    tenant          text NOT NULL,
    journal         integer NOT NULL,
    made_on         date NOT NULL,
    -- what was asked for: a run, or documents issued from a day to a day (exclusive)
    run             date,
    starts          date,
    ends            date,
    vouchers        integer NOT NULL CHECK (vouchers > 0),
    entries         integer NOT NULL CHECK (entries > 0),
    debit           numeric(14, 2) NOT NULL,
    sie             bytea NOT NULL,
    csv             bytea NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, journal),
    CHECK ((run IS NULL) <> (starts IS NULL)),
    CHECK ((starts IS NULL) = (ends IS NULL))
);

-- An entry goes out in one journal only.
CREATE TABLE journal_entry (
    entry           bigint PRIMARY KEY REFERENCES document_entry,
    tenant          text NOT NULL,
    journal         integer NOT NULL,
    voucher         integer NOT NULL,
    FOREIGN KEY (tenant, journal) REFERENCES journal
);
CREATE INDEX entry_of_journal ON journal_entry (tenant, journal);

CREATE TRIGGER payee_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payee
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_what_went_out();
CREATE TRIGGER payer_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payer
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_what_went_out();
CREATE TRIGGER document_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON document
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_what_went_out();
CREATE TRIGGER document_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON document_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_what_went_out();
CREATE TRIGGER accounting_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON accounting
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_what_went_out();
CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_what_went_out();
CREATE TRIGGER journal_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_what_went_out();
