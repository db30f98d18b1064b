-- Journals that people post by hand. The content is the journal as JSON; the digest is that of the request, so that an
-- idempotency key stands for one request.
CREATE TABLE journals (
    id INTEGER PRIMARY KEY,
    made_by TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    request_sha256 BLOB NOT NULL,
    content TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'posted', 'rejected')),
    reverses INTEGER REFERENCES journals (id),
    review INTEGER,
    resolution TEXT,
    made_at INTEGER NOT NULL,
    checked_by TEXT,
    decided_at INTEGER,
    rejection TEXT,
    proof BLOB,
    UNIQUE (made_by, idempotency_key)
) STRICT;

CREATE UNIQUE INDEX journals_reversed ON journals (reverses) WHERE reverses IS NOT NULL AND state <> 'rejected';
CREATE INDEX journals_pending ON journals (id) WHERE state = 'pending';
CREATE UNIQUE INDEX journals_of_review ON journals (review) WHERE review IS NOT NULL AND state = 'pending';

-- Reviews get numbers, accounts and the decision of a person: who resolved them, why, and with which journal.
ALTER TABLE reviews RENAME TO reviews_before;
CREATE TABLE reviews (
    id INTEGER PRIMARY KEY,
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    about TEXT NOT NULL,
    account TEXT,
    at INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    resolved_at INTEGER,
    resolved_by TEXT,
    resolution TEXT,
    journal INTEGER REFERENCES journals (id),
    UNIQUE (subject, kind, about)
) STRICT;

INSERT INTO reviews (subject, kind, about, account, at, opened_at, resolved_at)
    SELECT subject, kind, about, COALESCE(
        (SELECT account FROM provider_accounts WHERE 'account/' || account = subject),
        (SELECT account FROM positions WHERE 'holding/' || account || '/' || symbol = subject),
        (SELECT account FROM transfers WHERE 'transfer/' || id = subject),
        (SELECT account FROM cash_entries WHERE 'cash/' || id = subject)
    ), at, opened_at, resolved_at FROM reviews_before ORDER BY opened_at, subject, kind, about;

DROP TABLE reviews_before;
CREATE INDEX reviews_open ON reviews (kind, opened_at) WHERE resolved_at IS NULL;
CREATE INDEX reviews_account ON reviews (account, id) WHERE account IS NOT NULL;

-- Events that wait for a person.
INSERT INTO reviews (subject, kind, about, at, opened_at)
    SELECT 'event/' || j.event_id, CASE
        WHEN j.state = 'dead' THEN 'dead_letter'
        WHEN j.last_error LIKE '%other content%' THEN 'conflict'
        WHEN j.last_error LIKE '%is not posted automatically%' THEN 'by_hand'
        WHEN j.last_error LIKE 'unsupported currency%' OR j.last_error LIKE 'the token is not in%' THEN 'currency'
        WHEN j.last_error LIKE 'the symbol is not a share%' THEN 'symbol'
        WHEN j.last_error LIKE 'unknown status%' THEN 'unknown_status'
        WHEN j.last_error LIKE 'unknown event type%' THEN 'unknown_type'
        ELSE 'unreadable' END,
        CAST(j.event_id AS TEXT), COALESCE(j.finished_at, j.created_at), COALESCE(j.finished_at, j.created_at)
    FROM webhook_jobs j
    WHERE j.id = (SELECT MAX(latest.id) FROM webhook_jobs latest WHERE latest.event_id = j.event_id)
        AND (j.state = 'dead' OR (j.state = 'unhandled'
            AND j.last_error NOT LIKE '%has no effect%' AND j.last_error NOT LIKE 'addressed to a customer%'))
    ORDER BY j.id;
