-- Times are microseconds since 1970.

-- What was delivered, as it was. Rows are never deleted; retention empties body and headers and keeps the rest.
CREATE TABLE webhook_events (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider TEXT NOT NULL,
    channel TEXT NOT NULL,
    transport TEXT NOT NULL,
    event_type TEXT NOT NULL,
    object TEXT NOT NULL,
    dedupe_key TEXT NOT NULL UNIQUE,
    content_key TEXT,
    key_id TEXT NOT NULL,
    occurred_at BIGINT,
    signed_at BIGINT,
    received_at BIGINT NOT NULL,
    headers TEXT NOT NULL,
    body BYTEA NOT NULL,
    body_sha256 BYTEA NOT NULL,
    redacted_at BIGINT
);

CREATE UNIQUE INDEX webhook_events_content ON webhook_events (content_key) WHERE content_key IS NOT NULL;
CREATE INDEX webhook_events_kept ON webhook_events (provider, received_at) WHERE redacted_at IS NULL;

-- What is to be done about an event, and what came of it. One row for its arrival, one more for each replay or requeue.
CREATE TABLE webhook_work (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id BIGINT NOT NULL REFERENCES webhook_events (id),
    provider TEXT NOT NULL,
    object TEXT NOT NULL,
    cause TEXT NOT NULL CHECK (cause IN ('received', 'replay', 'requeue')),
    state TEXT NOT NULL CHECK (state IN ('pending', 'leased', 'done', 'unhandled', 'dead', 'requeued')),
    attempts BIGINT NOT NULL DEFAULT 0,
    next_at BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);

CREATE INDEX webhook_work_event ON webhook_work (event_id);
CREATE INDEX webhook_work_pending ON webhook_work (id) WHERE state = 'pending';
CREATE INDEX webhook_work_leased ON webhook_work (provider, object) WHERE state = 'leased';
CREATE INDEX webhook_work_dead ON webhook_work (id) WHERE state = 'dead';

-- The audit chain. Entries are never changed; the head is the last one, sealed.
CREATE TABLE audit_entries (
    sequence BIGINT PRIMARY KEY,
    at_us BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    request_id TEXT,
    detail TEXT NOT NULL,
    previous BYTEA NOT NULL,
    key_id TEXT NOT NULL,
    hash BYTEA NOT NULL
);

CREATE TABLE audit_head (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    sequence BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    key_id TEXT NOT NULL,
    seal BYTEA NOT NULL
);

-- Which process does what only one may do.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    lease_until BIGINT NOT NULL
);

-- Up to where a stream has been read and kept.
CREATE TABLE stream_cursors (
    stream TEXT PRIMARY KEY,
    position TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);
