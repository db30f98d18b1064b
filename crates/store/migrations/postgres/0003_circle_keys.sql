-- Public keys of Circle that were fetched from Circle and have proved a delivery, for the time in which Circle cannot be asked.
CREATE TABLE circle_keys (
    id TEXT PRIMARY KEY,
    algorithm TEXT NOT NULL,
    public_key TEXT NOT NULL,
    fetched_at BIGINT NOT NULL
);
