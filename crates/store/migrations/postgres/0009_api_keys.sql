-- API keys, without their secrets. A proof covers every column but those of use.
CREATE TABLE api_keys (
    id TEXT PRIMARY KEY CHECK (LENGTH(id) = 8),
    mode TEXT NOT NULL,
    name TEXT NOT NULL,
    digest BYTEA NOT NULL UNIQUE CHECK (LENGTH(digest) = 32),
    last_characters TEXT NOT NULL,
    role TEXT NOT NULL,
    scopes TEXT NOT NULL,
    accounts TEXT CHECK (accounts IS NOT NULL OR role = 'admin'),
    ips TEXT NOT NULL,
    per_minute BIGINT,
    burst BIGINT,
    concurrency BIGINT,
    metadata TEXT NOT NULL CHECK (LENGTH(metadata) <= 4096),
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    revoked_by TEXT,
    revocation_reason TEXT,
    replaces TEXT UNIQUE REFERENCES api_keys (id),
    successor TEXT UNIQUE REFERENCES api_keys (id),
    last_used_at BIGINT,
    last_used_ip TEXT,
    uses BIGINT NOT NULL DEFAULT 0,
    version BIGINT NOT NULL,
    proof BYTEA NOT NULL
);

CREATE INDEX api_keys_version ON api_keys (version);
CREATE INDEX api_keys_created ON api_keys (created_at, id);

-- Rises with every change of an API key, in the same transaction. Servers poll it.
CREATE TABLE key_version (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL
);

INSERT INTO key_version (id, version) VALUES (1, 0);
