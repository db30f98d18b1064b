-- The transaction on a blockchain that moved the coins of a settled transfer, and whether the provider that reports it sent or
-- received them. Coins that one provider sent and another one received are posted once.
ALTER TABLE transfers ADD COLUMN coin_transaction TEXT;
ALTER TABLE transfers ADD COLUMN coin_side TEXT CHECK (coin_side IN ('sent', 'received'));
CREATE INDEX transfers_coins ON transfers (coin_transaction) WHERE coin_transaction IS NOT NULL;
