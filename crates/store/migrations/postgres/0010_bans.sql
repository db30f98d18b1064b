-- Networks whose requests are refused for a time. A row stays for a week after its end, so that the next ban is longer.
CREATE TABLE bans (
    network TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    -- How often the network was banned, each time within a week of the time before.
    times BIGINT NOT NULL,
    banned_at BIGINT NOT NULL,
    banned_until BIGINT NOT NULL,
    banned_by TEXT NOT NULL
);

CREATE INDEX bans_until ON bans (banned_until);
