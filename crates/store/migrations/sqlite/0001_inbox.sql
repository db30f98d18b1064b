-- Times are microseconds since 1970.

-- What was delivered, as it was. Rows are never deleted; retention empties body and headers and keeps the rest.
CREATE TABLE webhook_events (
    id INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    channel TEXT NOT NULL,
    transport TEXT NOT NULL,
    event_type TEXT NOT NULL,
    object TEXT NOT NULL,
    dedupe_key TEXT NOT NULL UNIQUE,
    content_key TEXT,
    key_id TEXT NOT NULL,
    occurred_at INTEGER,
    signed_at INTEGER,
    received_at INTEGER NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL,
    body_sha256 BLOB NOT NULL,
    redacted_at INTEGER
) STRICT;

CREATE UNIQUE INDEX webhook_events_content ON webhook_events (content_key) WHERE content_key IS NOT NULL;
CREATE INDEX webhook_events_kept ON webhook_events (provider, received_at) WHERE redacted_at IS NULL;

-- What is to be done about an event, and what came of it. One row for its arrival, one more for each replay or requeue.
CREATE TABLE webhook_work (
    id INTEGER PRIMARY KEY,
    event_id INTEGER NOT NULL REFERENCES webhook_events (id),
    provider TEXT NOT NULL,
    object TEXT NOT NULL,
    cause TEXT NOT NULL CHECK (cause IN ('received', 'replay', 'requeue')),
    state TEXT NOT NULL CHECK (state IN ('pending', 'leased', 'done', 'unhandled', 'dead', 'requeued')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL,
    lease_owner TEXT,
    lease_until INTEGER,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;

CREATE INDEX webhook_work_event ON webhook_work (event_id);
CREATE INDEX webhook_work_pending ON webhook_work (id) WHERE state = 'pending';
CREATE INDEX webhook_work_leased ON webhook_work (provider, object) WHERE state = 'leased';
CREATE INDEX webhook_work_dead ON webhook_work (id) WHERE state = 'dead';

-- The audit chain. Entries are never changed; the head is the last one, sealed.
CREATE TABLE audit_entries (
    sequence INTEGER PRIMARY KEY,
    at_us INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    request_id TEXT,
    detail TEXT NOT NULL,
    previous BLOB NOT NULL,
    key_id TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE TABLE audit_head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    sequence INTEGER NOT NULL,
    hash BLOB NOT NULL,
    key_id TEXT NOT NULL,
    seal BLOB NOT NULL
) STRICT;

-- Which process does what only one may do.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    lease_until INTEGER NOT NULL
) STRICT;

-- Up to where a stream has been read and kept.
CREATE TABLE stream_cursors (
    stream TEXT PRIMARY KEY,
    position TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
