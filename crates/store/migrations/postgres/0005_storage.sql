-- What tells this database from every other one, and an older copy that was accepted from the one before: the epoch grows
-- each time that an operator accepts another state of the database.
CREATE TABLE store_identity (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    identity TEXT NOT NULL,
    epoch BIGINT NOT NULL
);

-- Sums have 128 bits: a column and its `…_high`, which counts 10^18 each. Below that the column alone is the sum.
ALTER TABLE ledger_balances ADD COLUMN balance_high BIGINT NOT NULL DEFAULT 0;
ALTER TABLE ledger_balances ADD COLUMN flow_high BIGINT NOT NULL DEFAULT 0;
UPDATE ledger_balances SET balance_high = balance / 1000000000000000000, balance = balance % 1000000000000000000,
    flow_high = flow / 1000000000000000000, flow = flow % 1000000000000000000;
ALTER TABLE daily_flows ADD COLUMN total_high BIGINT NOT NULL DEFAULT 0;
UPDATE daily_flows SET total_high = total / 1000000000000000000, total = total % 1000000000000000000;
