-- Payments over the ledger. A payment is entries of one provider and direction that are paid together; what happens to it
-- is a log of acts, and what it stands at follows from them (`domain/payments.py`). Nothing here is ever updated or deleted,
-- and what must never happen to money is refused by the database itself, whatever program asks.

-- What was put together: facts that do not change.
CREATE TABLE payment (
    payment         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant          text NOT NULL,
    run             date NOT NULL,
    provider        text NOT NULL,
    direction       text NOT NULL CHECK (direction IN ('PAYABLE', 'RECEIVABLE')),
    -- how many-th payment of this run, provider and direction it is
    number          integer NOT NULL CHECK (number > 0),
    preparer        text NOT NULL,
    -- the sum of its entries, negative if more is taken back than is new
    amount          numeric(14, 2) NOT NULL,
    entries         integer NOT NULL CHECK (entries > 0),
    -- whether the provider has to approve it before it is released (self-billing)
    self_billing    boolean NOT NULL,
    -- the business date
    proposed_on     date NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant, run, provider, direction, number),
    CHECK (direction = 'PAYABLE' OR NOT self_billing)
);

-- Which entries are on it. An entry is on one payment at a time: `turn` is the how many-th one, and a further turn needs
-- that the payment of the turn before was withdrawn.
CREATE TABLE payment_entry (
    payment         bigint NOT NULL REFERENCES payment,
    entry           bigint NOT NULL REFERENCES entry,
    turn            integer NOT NULL DEFAULT 1 CHECK (turn > 0),
    PRIMARY KEY (entry, turn),
    UNIQUE (payment, entry)
);

-- What was done with it, by whom, in order without gaps. Two acts at the same time want the same number, and one loses.
CREATE TABLE payment_act (
    payment         bigint NOT NULL REFERENCES payment,
    number          integer NOT NULL CHECK (number > 0),
    act             text NOT NULL CHECK (act IN (
        'PROPOSED', 'CHECKED', 'ATTESTED', 'APPROVED', 'DISPUTED', 'HELD', 'FREED', 'PARKED', 'RESUMED', 'WITHDRAWN',
        'RELEASED', 'ACKNOWLEDGED', 'REJECTED', 'RECONCILED')),
    who             text NOT NULL,
    role            text NOT NULL,
    -- the business date
    on_day          date NOT NULL,
    -- the hold, the code of a problem, or the voucher
    reference       text,
    -- what a person wrote; for staff alone
    reason          text,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (payment, number)
);
CREATE UNIQUE INDEX payment_attested_once_by_a_person ON payment_act (payment, who) WHERE act = 'ATTESTED';
CREATE UNIQUE INDEX payment_act_once ON payment_act (payment, act)
    WHERE act IN ('PROPOSED', 'CHECKED', 'WITHDRAWN', 'RELEASED', 'ACKNOWLEDGED', 'RECONCILED');

-- The rows of the ledger that a payment moves: at its release and at its acknowledgement.
CREATE TABLE payment_row (
    payment         bigint NOT NULL REFERENCES payment,
    stage           text NOT NULL CHECK (stage IN ('RELEASED', 'ACKNOWLEDGED')),
    account         text NOT NULL,
    amount          numeric(14, 2) NOT NULL,
    PRIMARY KEY (payment, stage, account)
);

-- By what the accounting system knows a payment: numbers of documents, the voucher.
CREATE TABLE payment_reference (
    tenant          text NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('DOCUMENT', 'VOUCHER')),
    reference       text NOT NULL,
    payment         bigint NOT NULL REFERENCES payment,
    PRIMARY KEY (tenant, kind, reference)
);
CREATE INDEX payment_reference_of_payment ON payment_reference (payment);

-- What is not to be paid for the time being: of a provider, an assignment, or one line. Every column that is given counts.
CREATE TABLE hold (
    hold            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant          text NOT NULL,
    provider        text,
    assignment      text,
    kind            text,
    sequence        integer,
    reason          text NOT NULL,
    -- what a person wrote; for staff alone
    note            text,
    who             text NOT NULL,
    role            text NOT NULL,
    placed_on       date NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    CHECK (provider IS NOT NULL OR assignment IS NOT NULL),
    CHECK ((kind IS NULL) = (sequence IS NULL)),
    CHECK (kind IS NULL OR (provider IS NOT NULL AND assignment IS NOT NULL))
);
CREATE INDEX hold_of_tenant ON hold (tenant);

CREATE TABLE hold_end (
    hold            bigint PRIMARY KEY REFERENCES hold,
    note            text,
    who             text NOT NULL,
    role            text NOT NULL,
    ended_on        date NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now()
);

-- Months in whose days no run can be made any more; `month` is its first day.
CREATE TABLE period_close (
    tenant          text NOT NULL,
    month           date NOT NULL CHECK (extract(day FROM month) = 1),
    who             text NOT NULL,
    role            text NOT NULL,
    closed_on       date NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, month)
);

-- Assignments of which a run could post nothing; cleared by the run that could. No ledger: it says what is to be looked at.
CREATE TABLE run_problem (
    tenant          text NOT NULL,
    assignment      text NOT NULL,
    run             date NOT NULL,
    code            text NOT NULL,
    providers       text[] NOT NULL,
    cleared_by      date,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, assignment, run)
);
CREATE INDEX run_problem_open ON run_problem (tenant, assignment) WHERE cleared_by IS NULL;

-- --- append-only -----------------------------------------------------------------------------------------------

CREATE TRIGGER payment_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payment
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payment_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payment_act_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_act
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payment_row_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_row
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payment_reference_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_reference
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER hold_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON hold
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER hold_end_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON hold_end
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER period_close_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON period_close
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- --- a payment is what its entries come to ---------------------------------------------------------------------

-- The entries of a payment come in one statement, before it is proposed. What is looked at are the new rows alone: a look
-- into the whole table for each payment would make a proposal of many slow.
CREATE FUNCTION require_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM fresh JOIN payment p USING (payment) JOIN entry e USING (entry)
        WHERE (e.tenant, e.provider, e.direction) <> (p.tenant, p.provider, p.direction) OR e.run > p.run
    ) THEN
        RAISE EXCEPTION 'a payment holds entries of its own provider, direction and runs'
            USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (
        SELECT 1 FROM fresh JOIN payment p USING (payment) JOIN entry e USING (entry)
        GROUP BY p.payment HAVING count(*) <> p.entries OR sum(e.amount) <> p.amount
    ) OR EXISTS (SELECT 1 FROM payment_act a WHERE a.payment IN (SELECT payment FROM fresh)) THEN
        RAISE EXCEPTION 'a payment is the sum of the entries with which it is put together'
            USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (
        SELECT 1 FROM fresh WHERE turn > 1 AND NOT EXISTS (
            SELECT 1 FROM payment_entry before JOIN payment_act a USING (payment)
            WHERE before.entry = fresh.entry AND before.turn = fresh.turn - 1 AND a.act = 'WITHDRAWN')
    ) THEN
        RAISE EXCEPTION 'an entry is on one payment at a time' USING ERRCODE = 'unique_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER payment_entry_whole AFTER INSERT ON payment_entry
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION require_entries();

CREATE FUNCTION require_contents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM payment_entry WHERE payment = NEW.payment) <> NEW.entries
        OR NOT EXISTS (SELECT 1 FROM payment_act WHERE payment = NEW.payment AND act = 'PROPOSED') THEN
        RAISE EXCEPTION 'a payment has its entries and was proposed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER payment_has_contents AFTER INSERT ON payment
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_contents();

-- --- what may follow what --------------------------------------------------------------------------------------

CREATE FUNCTION hold_covers(h hold, e entry) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT h.tenant = e.tenant AND coalesce(h.provider = e.provider, true)
        AND coalesce(h.assignment = e.assignment, true)
        AND (h.kind IS NULL OR (h.kind = e.kind AND h.sequence = e.sequence))
$$;

-- The rules that keep money safe, here once more beside the program: in order, by whom, and nothing after the end.
CREATE FUNCTION require_act() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    p payment;
    s record;
    refusal text;
BEGIN
    SELECT * INTO STRICT p FROM payment WHERE payment = NEW.payment;
    SELECT count(*) AS acts,
        count(*) FILTER (WHERE act = 'CHECKED') > 0 AS checked,
        count(DISTINCT who) FILTER (WHERE act = 'ATTESTED') AS attested,
        coalesce(max(number) FILTER (WHERE act = 'APPROVED'), 0)
            > coalesce(max(number) FILTER (WHERE act = 'DISPUTED'), 0) AS approved,
        coalesce(max(number) FILTER (WHERE act = 'DISPUTED'), 0)
            > coalesce(max(number) FILTER (WHERE act = 'APPROVED'), 0) AS disputed,
        count(*) FILTER (WHERE act = 'HELD') > count(*) FILTER (WHERE act = 'FREED') AS held,
        coalesce(max(number) FILTER (WHERE act = 'PARKED'), 0)
            > coalesce(max(number) FILTER (WHERE act = 'RESUMED'), 0) AS parked,
        count(*) FILTER (WHERE act = 'WITHDRAWN') > 0 AS withdrawn,
        count(*) FILTER (WHERE act = 'RELEASED') > 0 AS released,
        count(*) FILTER (WHERE act = 'ACKNOWLEDGED') > 0 AS acknowledged
    INTO s FROM payment_act WHERE payment = NEW.payment;
    refusal := CASE
        WHEN NEW.number <> s.acts + 1 THEN 'acts are numbered in order'
        WHEN (NEW.act = 'PROPOSED') <> (s.acts = 0) THEN 'a payment is proposed first, and once'
        WHEN NEW.act = 'PROPOSED' AND NEW.who <> p.preparer THEN 'who proposes a payment is its preparer'
        WHEN s.withdrawn THEN 'the payment was withdrawn'
        WHEN s.released AND NEW.act NOT IN ('ACKNOWLEDGED', 'REJECTED', 'RECONCILED') THEN 'the payment was released'
        WHEN NEW.act IN ('CHECKED', 'ATTESTED') AND NEW.who = p.preparer
            THEN 'who prepared a payment neither checks nor attests it'
        WHEN NEW.act = 'ATTESTED' AND NOT s.checked THEN 'a payment is checked before it is attested'
        WHEN NEW.act = 'ATTESTED' AND s.attested >= 2 THEN 'two persons attest a payment'
        WHEN NEW.act IN ('APPROVED', 'DISPUTED') AND NOT p.self_billing THEN 'the provider approves self-billing alone'
        WHEN NEW.act IN ('APPROVED', 'RELEASED') AND s.attested < 2 THEN 'a payment is attested by two persons'
        WHEN NEW.act IN ('CHECKED', 'ATTESTED', 'APPROVED', 'RELEASED') AND s.held THEN 'the payment is held'
        WHEN NEW.act IN ('CHECKED', 'ATTESTED', 'APPROVED', 'RELEASED') AND s.parked THEN 'the payment is parked'
        WHEN NEW.act = 'RELEASED' AND s.disputed THEN 'the provider disputes the payment'
        WHEN NEW.act = 'RELEASED' AND p.self_billing AND NOT s.approved THEN 'the provider has not approved the payment'
        WHEN NEW.act = 'RELEASED' AND EXISTS (
            SELECT 1 FROM hold h JOIN payment_entry pe ON pe.payment = p.payment JOIN entry e USING (entry)
            WHERE h.tenant = p.tenant AND NOT EXISTS (SELECT 1 FROM hold_end x WHERE x.hold = h.hold)
                AND hold_covers(h, e)) THEN 'the payment is held'
        WHEN NEW.act IN ('ACKNOWLEDGED', 'REJECTED') AND NOT s.released THEN 'a payment is released first'
        WHEN NEW.act IN ('ACKNOWLEDGED', 'REJECTED') AND s.acknowledged THEN 'the payment was acknowledged'
        WHEN NEW.act = 'RECONCILED' AND NOT s.acknowledged THEN 'a payment is acknowledged before it is reconciled'
    END;
    IF refusal IS NOT NULL THEN
        RAISE EXCEPTION '%', refusal USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payment_act_in_order BEFORE INSERT ON payment_act FOR EACH ROW EXECUTE FUNCTION require_act();

-- --- the ledger rows of a payment ------------------------------------------------------------------------------

-- A stage moves the whole amount from one account to the next: what was payable is released, then settled; what was
-- receivable is invoiced, then received.
CREATE FUNCTION require_payment_rows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    p payment;
    stage_is text := coalesce(to_jsonb(NEW) ->> 'act', to_jsonb(NEW) ->> 'stage');
    accounts text[];
    moved numeric;
BEGIN
    SELECT * INTO STRICT p FROM payment WHERE payment = NEW.payment;
    accounts := CASE p.direction WHEN 'PAYABLE' THEN ARRAY['payable:', 'released:', 'settled:']
        ELSE ARRAY['receivable:', 'invoiced:', 'received:'] END;
    IF stage_is = 'ACKNOWLEDGED' THEN
        accounts := accounts[2:3];
    END IF;
    moved := CASE p.direction WHEN 'PAYABLE' THEN p.amount ELSE -p.amount END;
    IF NOT EXISTS (SELECT 1 FROM payment_act WHERE payment = p.payment AND act = stage_is)
        OR (SELECT count(*) FROM payment_row WHERE payment = p.payment AND stage = stage_is) <> 2
        OR NOT EXISTS (SELECT 1 FROM payment_row WHERE payment = p.payment AND stage = stage_is
            AND account = accounts[1] || p.provider AND amount = moved)
        OR NOT EXISTS (SELECT 1 FROM payment_row WHERE payment = p.payment AND stage = stage_is
            AND account = accounts[2] || p.provider AND amount = -moved) THEN
        RAISE EXCEPTION 'a payment moves its whole amount from one account to the next, when that is done'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER payment_act_has_rows AFTER INSERT ON payment_act DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.act IN ('RELEASED', 'ACKNOWLEDGED')) EXECUTE FUNCTION require_payment_rows();
CREATE CONSTRAINT TRIGGER payment_row_has_act AFTER INSERT ON payment_row DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION require_payment_rows();

-- --- closed months ---------------------------------------------------------------------------------------------

CREATE FUNCTION refuse_closed_period() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM (SELECT DISTINCT tenant, run FROM fresh) AS made
        JOIN period_close c ON c.tenant = made.tenant AND c.month = date_trunc('month', made.run::timestamp)::date
    ) THEN
        RAISE EXCEPTION 'the period is closed: post in a later run' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER entry_in_open_period AFTER INSERT ON entry
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed_period();
CREATE TRIGGER payment_run_in_open_period AFTER INSERT ON payment_run
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed_period();
CREATE TRIGGER payment_in_open_period AFTER INSERT ON payment
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed_period();

CREATE INDEX payment_of_tenant ON payment (tenant, payment);
