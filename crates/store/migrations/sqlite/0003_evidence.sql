-- The proof of an event, a fact or a transaction with its entries: an HMAC over the columns that decide what is posted. Rows of
-- before get theirs when the store is opened.
ALTER TABLE webhook_events ADD COLUMN proof BLOB;
ALTER TABLE facts ADD COLUMN proof BLOB;
ALTER TABLE ledger_transactions ADD COLUMN proof BLOB;
CREATE INDEX webhook_events_unproved ON webhook_events (id) WHERE proof IS NULL;
CREATE INDEX facts_unproved ON facts (id) WHERE proof IS NULL;
CREATE INDEX ledger_transactions_unproved ON ledger_transactions (id) WHERE proof IS NULL;

-- The rows that one database transaction wrote, whose number and digest are in its audit entry.
ALTER TABLE facts ADD COLUMN batch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ledger_transactions ADD COLUMN batch INTEGER NOT NULL DEFAULT 0;
CREATE INDEX facts_batch ON facts (batch);
CREATE INDEX ledger_transactions_batch ON ledger_transactions (batch);

-- Rows that nobody with the key wrote, with their content as JSON: `ledger rebuild` removed them from the tables above.
CREATE TABLE excluded_rows (
    id INTEGER PRIMARY KEY,
    relation TEXT NOT NULL CHECK (relation IN ('facts', 'ledger_transactions', 'ledger_entries')),
    row_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    content TEXT NOT NULL,
    excluded_at INTEGER NOT NULL
) STRICT;

CREATE INDEX excluded_rows_row ON excluded_rows (relation, row_id);
CREATE INDEX audit_entries_rebuilds ON audit_entries (sequence) WHERE action = 'ledger.rebuild';
CREATE INDEX audit_entries_closes ON audit_entries (sequence) WHERE action = 'ledger.closed';

DROP TRIGGER facts_no_update;
CREATE TRIGGER facts_no_update BEFORE UPDATE ON facts
WHEN NOT (OLD.proof IS NULL AND NEW.proof IS NOT NULL AND NEW.id = OLD.id AND NEW.subject = OLD.subject AND NEW.at = OLD.at
    AND NEW.body = OLD.body AND NEW.recorded_at = OLD.recorded_at)
BEGIN
    SELECT RAISE(ABORT, 'rows of facts are never changed');
END;

DROP TRIGGER facts_no_delete;
CREATE TRIGGER facts_no_delete BEFORE DELETE ON facts
WHEN NOT EXISTS (SELECT 1 FROM excluded_rows WHERE relation = 'facts' AND row_id = lower(hex(OLD.id)))
BEGIN
    SELECT RAISE(ABORT, 'rows of facts are never changed');
END;

DROP TRIGGER ledger_transactions_no_update;
CREATE TRIGGER ledger_transactions_no_update BEFORE UPDATE ON ledger_transactions
WHEN NOT (OLD.proof IS NULL AND NEW.proof IS NOT NULL AND NEW.id = OLD.id AND NEW.subject = OLD.subject
    AND NEW.effect = OLD.effect AND NEW.revision = OLD.revision AND NEW.kind = OLD.kind AND NEW.at = OLD.at
    AND NEW.posted_at = OLD.posted_at)
BEGIN
    SELECT RAISE(ABORT, 'rows of ledger_transactions are never changed');
END;

DROP TRIGGER ledger_transactions_no_delete;
CREATE TRIGGER ledger_transactions_no_delete BEFORE DELETE ON ledger_transactions
WHEN NOT EXISTS (SELECT 1 FROM excluded_rows WHERE relation = 'ledger_transactions' AND row_id = CAST(OLD.id AS TEXT))
BEGIN
    SELECT RAISE(ABORT, 'rows of ledger_transactions are never changed');
END;

DROP TRIGGER ledger_entries_no_delete;
CREATE TRIGGER ledger_entries_no_delete BEFORE DELETE ON ledger_entries
WHEN NOT EXISTS (SELECT 1 FROM excluded_rows WHERE relation = 'ledger_transactions' AND row_id = CAST(OLD.transaction_id AS TEXT)
    OR relation = 'ledger_entries' AND row_id = CAST(OLD.id AS TEXT))
BEGIN
    SELECT RAISE(ABORT, 'rows of ledger_entries are never changed');
END;
