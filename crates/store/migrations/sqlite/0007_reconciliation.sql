-- Comparisons of a provider's statement with the books, by their outcomes. Days count from 1970.
CREATE TABLE reconciliations (
    id INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    first_day INTEGER NOT NULL,
    last_day INTEGER NOT NULL,
    at INTEGER NOT NULL,
    matched INTEGER NOT NULL,
    missing_here INTEGER NOT NULL,
    missing_there INTEGER NOT NULL,
    different INTEGER NOT NULL,
    in_progress INTEGER NOT NULL,
    not_compared INTEGER NOT NULL
) STRICT;

CREATE INDEX reconciliations_provider ON reconciliations (provider, id);
