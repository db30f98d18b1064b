-- Shares before a split: the prices of earlier closes and executions are divided by it. Unknown of splits folded before.
ALTER TABLE fills ADD COLUMN quantity_before TEXT;

-- Prices of executions were stored among the closes; closes are fetched again.
DELETE FROM prices WHERE asset NOT LIKE 'currency/%';

-- The latest executions of a share are its price; the least notional is that of the query.
CREATE INDEX fills_latest ON fills (symbol, at)
    WHERE kind = 'fill' AND status = 'counted' AND currency = 'USD' AND notional >= 100;
CREATE INDEX fills_splits ON fills (symbol, at) WHERE kind = 'split' AND status = 'counted';
CREATE INDEX fills_splits_of ON fills (account, symbol, at) WHERE kind = 'split' AND status = 'counted';

-- Shares that an order asks for: it is not filled beyond them.
ALTER TABLE orders ADD COLUMN quantity TEXT;

-- An execution counts in one symbol of one account. Of several that were counted, the first in order of account and symbol.
UPDATE fills SET status = 'parked' WHERE kind = 'fill' AND status <> 'parked'
    AND id IN (SELECT id FROM fills WHERE kind = 'fill' AND status <> 'parked' GROUP BY id HAVING COUNT(*) > 1)
    AND EXISTS (SELECT 1 FROM fills o WHERE o.id = fills.id AND o.kind = 'fill' AND o.status <> 'parked'
        AND (o.account, o.symbol) < (fills.account, fills.symbol));
CREATE UNIQUE INDEX fills_executions ON fills (id) WHERE kind = 'fill' AND status <> 'parked';

-- Entries of an account and a day, one of which may be a second report of the other.
CREATE INDEX cash_entries_account ON cash_entries (account, at) WHERE at IS NOT NULL;
