-- Accounts of one customer at several providers, as people linked them. Links decide what is read together, not what is posted.
CREATE TABLE customer_accounts (
    account TEXT PRIMARY KEY,
    customer TEXT NOT NULL,
    linked_at BIGINT NOT NULL,
    linked_by TEXT NOT NULL
);

CREATE INDEX customer_accounts_customer ON customer_accounts (customer, account);

-- Money that is under way.
CREATE INDEX transfers_pending ON transfers (account) WHERE status = 'pending';
CREATE INDEX cash_entries_pending ON cash_entries (account) WHERE status = 'pending';
