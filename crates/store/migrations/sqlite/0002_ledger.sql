-- Times are microseconds since 1970. Money is whole smallest units beside its currency. Quantities and prices are
-- decimal numbers as text.

-- What providers told, as a set: a fact's id is the SHA-256 of its canonical JSON. Rows are never changed.
CREATE TABLE facts (
    id BLOB PRIMARY KEY,
    subject TEXT NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    known_at INTEGER NOT NULL
) STRICT;

CREATE INDEX facts_subject ON facts (subject);

-- How many facts of a subject are known and when the latest became so. Its row is locked while its set is folded.
CREATE TABLE ledger_subjects (
    subject TEXT PRIMARY KEY,
    facts INTEGER NOT NULL,
    latest_at INTEGER NOT NULL,
    before_at INTEGER
) STRICT;

-- Every account at a provider that was named. One person's accounts share a user.
CREATE TABLE provider_accounts (
    account TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    status TEXT,
    status_at INTEGER,
    registered_at INTEGER,
    last_seen_at INTEGER
) STRICT;

CREATE INDEX provider_accounts_seen ON provider_accounts (last_seen_at);

CREATE TABLE transfers (
    id TEXT PRIMARY KEY,
    account TEXT,
    direction TEXT,
    amount INTEGER,
    currency TEXT,
    status TEXT NOT NULL,
    booking TEXT NOT NULL,
    settled_at INTEGER,
    returned_at INTEGER,
    last_at INTEGER NOT NULL,
    stash_ratio TEXT NOT NULL
) STRICT;

CREATE INDEX transfers_settled ON transfers (settled_at) WHERE settled_at IS NOT NULL;

CREATE TABLE cash_entries (
    id TEXT PRIMARY KEY,
    account TEXT,
    kind TEXT,
    amount INTEGER,
    currency TEXT,
    standing TEXT,
    booking TEXT,
    superseded_by TEXT,
    at INTEGER,
    last_at INTEGER NOT NULL,
    stash_ratio TEXT NOT NULL
) STRICT;

CREATE INDEX cash_entries_at ON cash_entries (kind, at) WHERE at IS NOT NULL;

CREATE TABLE positions (
    account TEXT NOT NULL,
    symbol TEXT NOT NULL,
    quantity TEXT NOT NULL,
    cost INTEGER,
    currency TEXT,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (account, symbol)
) STRICT;

CREATE TABLE orders (
    account TEXT NOT NULL,
    symbol TEXT NOT NULL,
    id TEXT NOT NULL,
    side TEXT NOT NULL,
    status TEXT NOT NULL,
    cumulative TEXT NOT NULL,
    notional INTEGER,
    currency TEXT,
    reserve INTEGER,
    reserve_currency TEXT,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (account, symbol, id)
) STRICT;

-- What executions and splits did. Those that are only known from being taken back have neither order nor side.
CREATE TABLE fills (
    account TEXT NOT NULL,
    symbol TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('fill', 'split', 'unknown')),
    order_id TEXT,
    side TEXT,
    quantity TEXT NOT NULL,
    notional INTEGER,
    currency TEXT,
    standing TEXT NOT NULL CHECK (standing IN ('counted', 'recorded', 'busted', 'parked')),
    at INTEGER NOT NULL,
    PRIMARY KEY (account, symbol, id)
) STRICT;

CREATE INDEX fills_bought ON fills (at) WHERE side = 'buy' AND standing = 'counted';

-- The last price of each share or currency, in dollars.
CREATE TABLE marks (
    thing TEXT PRIMARY KEY,
    price TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- What people should look at. It is resolved when facts arrive that explain it.
CREATE TABLE reviews (
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    about TEXT NOT NULL,
    at INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    resolved_at INTEGER,
    PRIMARY KEY (subject, kind, about)
) STRICT;

CREATE INDEX reviews_open ON reviews (opened_at) WHERE resolved_at IS NULL;

-- A movement: the effect of a subject, and how often it was written anew. What an effect comes to is the sum of its
-- revisions. Rows are never changed.
CREATE TABLE ledger_transactions (
    id INTEGER PRIMARY KEY,
    subject TEXT NOT NULL,
    effect TEXT NOT NULL,
    revision INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    posted_at INTEGER NOT NULL,
    UNIQUE (subject, effect, revision)
) STRICT;

CREATE INDEX ledger_transactions_posted ON ledger_transactions (posted_at);

-- The legs of movements: in each currency they sum to zero. Rows are never changed.
CREATE TABLE ledger_entries (
    id INTEGER PRIMARY KEY,
    transaction_id INTEGER NOT NULL REFERENCES ledger_transactions (id),
    account TEXT NOT NULL,
    holder TEXT,
    currency TEXT NOT NULL,
    minor INTEGER NOT NULL CHECK (minor <> 0)
) STRICT;

CREATE INDEX ledger_entries_transaction ON ledger_entries (transaction_id);
CREATE INDEX ledger_entries_account ON ledger_entries (account, id);
CREATE INDEX ledger_entries_holder ON ledger_entries (holder, id) WHERE holder IS NOT NULL;

-- What lies on each account of a holder: the sum of its entries; how much of it came from the receivable; and how much
-- of it came in from outside less what went out.
CREATE TABLE ledger_balances (
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    holder TEXT NOT NULL,
    balance INTEGER NOT NULL,
    covered INTEGER NOT NULL,
    flow INTEGER NOT NULL,
    PRIMARY KEY (account, currency)
) STRICT;

CREATE INDEX ledger_balances_holder ON ledger_balances (holder);

-- What each holder's accounts were worth at the end of a UTC day, and what came in less what went out since the row
-- before, in cents; the holder 'all' stands for all of them together. The row of a day that has not ended is written anew.
CREATE TABLE daily_snapshots (
    holder TEXT NOT NULL,
    day INTEGER NOT NULL,
    value INTEGER NOT NULL,
    net_flow INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    taken_at INTEGER NOT NULL,
    PRIMARY KEY (holder, day)
) STRICT;

-- What had come in less what had gone out of each holder's accounts, in each currency, when a snapshot was taken.
CREATE TABLE daily_flows (
    holder TEXT NOT NULL,
    day INTEGER NOT NULL,
    currency TEXT NOT NULL,
    total INTEGER NOT NULL,
    PRIMARY KEY (holder, day, currency)
) STRICT;

CREATE INDEX daily_snapshots_day ON daily_snapshots (day);

CREATE TRIGGER facts_no_update BEFORE UPDATE ON facts
BEGIN
    SELECT RAISE(ABORT, 'rows of facts are never changed');
END;

CREATE TRIGGER facts_no_delete BEFORE DELETE ON facts
BEGIN
    SELECT RAISE(ABORT, 'rows of facts are never changed');
END;

CREATE TRIGGER ledger_transactions_no_update BEFORE UPDATE ON ledger_transactions
BEGIN
    SELECT RAISE(ABORT, 'rows of ledger_transactions are never changed');
END;

CREATE TRIGGER ledger_transactions_no_delete BEFORE DELETE ON ledger_transactions
BEGIN
    SELECT RAISE(ABORT, 'rows of ledger_transactions are never changed');
END;

CREATE TRIGGER ledger_entries_no_update BEFORE UPDATE ON ledger_entries
BEGIN
    SELECT RAISE(ABORT, 'rows of ledger_entries are never changed');
END;

CREATE TRIGGER ledger_entries_no_delete BEFORE DELETE ON ledger_entries
BEGIN
    SELECT RAISE(ABORT, 'rows of ledger_entries are never changed');
END;
