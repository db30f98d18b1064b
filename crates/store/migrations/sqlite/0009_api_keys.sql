-- API keys, without their secrets. A proof covers every column but those of use.
CREATE TABLE api_keys (
    id TEXT PRIMARY KEY CHECK (LENGTH(id) = 8),
    mode TEXT NOT NULL,
    name TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE CHECK (LENGTH(digest) = 32),
    last_characters TEXT NOT NULL,
    role TEXT NOT NULL,
    scopes TEXT NOT NULL,
    accounts TEXT CHECK (accounts IS NOT NULL OR role = 'admin'),
    ips TEXT NOT NULL,
    per_minute INTEGER,
    burst INTEGER,
    concurrency INTEGER,
    metadata TEXT NOT NULL CHECK (LENGTH(metadata) <= 4096),
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    revoked_by TEXT,
    revocation_reason TEXT,
    replaces TEXT UNIQUE REFERENCES api_keys (id),
    successor TEXT UNIQUE REFERENCES api_keys (id),
    last_used_at INTEGER,
    last_used_ip TEXT,
    uses INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL,
    proof BLOB NOT NULL
) STRICT;

CREATE INDEX api_keys_version ON api_keys (version);
CREATE INDEX api_keys_created ON api_keys (created_at, id);

-- Rises with every change of an API key, in the same transaction. Servers poll it.
CREATE TABLE key_version (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;

INSERT INTO key_version (id, version) VALUES (1, 0);
