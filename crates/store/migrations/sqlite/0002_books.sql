-- Shares before a split: the prices of earlier closes and executions are divided by it.
ALTER TABLE fills ADD COLUMN quantity_before TEXT;
UPDATE fills SET quantity_before = '0' WHERE kind = 'split';

-- The latest executions of a share are its price.
CREATE INDEX fills_latest ON fills (symbol, at) WHERE kind = 'fill' AND status = 'counted';
CREATE INDEX fills_splits ON fills (at) WHERE kind = 'split' AND status = 'counted';

-- Shares that an order asks for: it is not filled beyond them.
ALTER TABLE orders ADD COLUMN quantity TEXT;

-- An execution counts in one symbol of one account.
CREATE UNIQUE INDEX fills_executions ON fills (id) WHERE kind = 'fill' AND status <> 'parked';

-- Entries of an account and a day, one of which may be a second report of the other.
CREATE INDEX cash_entries_account ON cash_entries (account, at) WHERE at IS NOT NULL;
