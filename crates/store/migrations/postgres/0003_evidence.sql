-- The proof of an event, a fact or a transaction with its entries: an HMAC over the columns that decide what is posted. Rows of
-- before get theirs when the store is opened.
ALTER TABLE webhook_events ADD COLUMN proof BYTEA;
ALTER TABLE facts ADD COLUMN proof BYTEA;
ALTER TABLE ledger_transactions ADD COLUMN proof BYTEA;
CREATE INDEX webhook_events_unproved ON webhook_events (id) WHERE proof IS NULL;
CREATE INDEX facts_unproved ON facts (id) WHERE proof IS NULL;
CREATE INDEX ledger_transactions_unproved ON ledger_transactions (id) WHERE proof IS NULL;

-- The rows that one database transaction wrote, whose number and digest are in its audit entry.
ALTER TABLE facts ADD COLUMN batch BIGINT NOT NULL DEFAULT 0;
ALTER TABLE ledger_transactions ADD COLUMN batch BIGINT NOT NULL DEFAULT 0;
CREATE INDEX facts_batch ON facts (batch);
CREATE INDEX ledger_transactions_batch ON ledger_transactions (batch);

-- Rows that nobody with the key wrote, with their content as JSON: `ledger rebuild` removed them from the tables above.
CREATE TABLE excluded_rows (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    relation TEXT NOT NULL CHECK (relation IN ('facts', 'ledger_transactions', 'ledger_entries')),
    row_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    content TEXT NOT NULL,
    excluded_at BIGINT NOT NULL
);

CREATE INDEX excluded_rows_row ON excluded_rows (relation, row_id);
CREATE INDEX audit_entries_rebuilds ON audit_entries (sequence) WHERE action = 'ledger.rebuild';
CREATE INDEX audit_entries_closes ON audit_entries (sequence) WHERE action = 'ledger.closed';

DROP TRIGGER facts_immutable ON facts;
DROP TRIGGER ledger_transactions_immutable ON ledger_transactions;
DROP TRIGGER ledger_entries_immutable ON ledger_entries;

CREATE TRIGGER facts_never_truncated BEFORE TRUNCATE ON facts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_transactions_never_truncated BEFORE TRUNCATE ON ledger_transactions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_entries_immutable BEFORE UPDATE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER facts_immutable BEFORE UPDATE ON facts FOR EACH ROW
    WHEN (NOT (OLD.proof IS NULL AND NEW.proof IS NOT NULL
        AND (NEW.id, NEW.subject, NEW.at, NEW.body, NEW.recorded_at)
          = (OLD.id, OLD.subject, OLD.at, OLD.body, OLD.recorded_at)))
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_transactions_immutable BEFORE UPDATE ON ledger_transactions FOR EACH ROW
    WHEN (NOT (OLD.proof IS NULL AND NEW.proof IS NOT NULL
        AND (NEW.id, NEW.subject, NEW.effect, NEW.revision, NEW.kind, NEW.at, NEW.posted_at)
          = (OLD.id, OLD.subject, OLD.effect, OLD.revision, OLD.kind, OLD.at, OLD.posted_at)))
    EXECUTE FUNCTION refuse_change();

CREATE FUNCTION refuse_removal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    deleted JSONB := to_jsonb(OLD);
BEGIN
    IF NOT EXISTS (SELECT 1 FROM excluded_rows
        WHERE relation = TG_TABLE_NAME AND row_id = ltrim(deleted ->> 'id', '\x')
           OR relation = 'ledger_transactions' AND row_id = deleted ->> 'transaction_id') THEN
        RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME;
    END IF;
    RETURN OLD;
END $$;

CREATE TRIGGER facts_excluded BEFORE DELETE ON facts FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER ledger_transactions_excluded BEFORE DELETE ON ledger_transactions
    FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER ledger_entries_excluded BEFORE DELETE ON ledger_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_removal();
