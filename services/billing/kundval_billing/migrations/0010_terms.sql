-- What is attested is what is paid: to whom, on which account, by which VAT and agreement. Each act keeps the terms that
-- held when it was done, and nothing is released by others than those under which both persons attested. So nobody alone
-- leads money elsewhere by a change of an account: another person has to attest after it.

ALTER TABLE payment_act ADD COLUMN terms text;

-- The terms of a payment on a day, as a digest: bank numbers stand where the parties stand, and nowhere else.
CREATE FUNCTION payment_terms(p payment, day date) RETURNS text LANGUAGE sql AS $$
    SELECT encode(sha256(convert_to(jsonb_build_array(
        CASE p.direction WHEN 'PAYABLE' THEN (
            SELECT jsonb_build_array(party, agreement) FROM payee
            WHERE tenant = p.tenant AND provider = p.provider AND valid_from <= day
            ORDER BY valid_from DESC, version DESC LIMIT 1) END,
        CASE p.direction WHEN 'PAYABLE' THEN (
            SELECT one -> 'ownership' FROM tenant t, jsonb_array_elements(t.providers) AS one
            WHERE t.tenant = p.tenant AND one ->> 'id' = p.provider LIMIT 1) END,
        (SELECT jsonb_build_array(party, vat_by_ownership) FROM payer
            WHERE tenant = p.tenant AND role = 'MUNICIPALITY' AND valid_from <= day
            ORDER BY valid_from DESC, version DESC LIMIT 1),
        CASE p.direction WHEN 'RECEIVABLE' THEN (
            SELECT party FROM payer WHERE tenant = p.tenant AND role = 'CUSTOMER' AND valid_from <= day
            ORDER BY valid_from DESC, version DESC LIMIT 1) END
    )::text, 'UTF8')), 'hex')
$$;

-- After `payment_act_in_order`, so that the act itself may be done. What is not attested yet has no terms to keep.
CREATE FUNCTION require_terms() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    p payment;
BEGIN
    SELECT * INTO STRICT p FROM payment WHERE payment = NEW.payment;
    -- no party changes until this act is committed, so that the documents are those of these terms
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('payment-terms' || p.tenant, 0));
    NEW.terms := payment_terms(p, NEW.on_day);
    IF NEW.act = 'ATTESTED' AND NEW.role NOT IN ('CONTROLLER', 'TEAM_MANAGER') THEN
        RAISE EXCEPTION 'persons of the municipality attest a payment' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.act = 'RELEASED' AND EXISTS (
        SELECT 1 FROM payment_act WHERE payment = NEW.payment AND act = 'ATTESTED' AND terms IS DISTINCT FROM NEW.terms
    ) THEN
        RAISE EXCEPTION 'the payment was attested by other terms' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payment_act_keeps_terms BEFORE INSERT ON payment_act FOR EACH ROW EXECUTE FUNCTION require_terms();

CREATE FUNCTION wait_for_releases() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('payment-terms' || NEW.tenant, 0));
    RETURN NEW;
END $$;
CREATE TRIGGER payee_waits BEFORE INSERT ON payee FOR EACH ROW EXECUTE FUNCTION wait_for_releases();
CREATE TRIGGER payer_waits BEFORE INSERT ON payer FOR EACH ROW EXECUTE FUNCTION wait_for_releases();
