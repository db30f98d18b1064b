-- Comparisons of a provider's statement with the books, by their outcomes. Days count from 1970.
CREATE TABLE reconciliations (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider TEXT NOT NULL,
    first_day BIGINT NOT NULL,
    last_day BIGINT NOT NULL,
    at BIGINT NOT NULL,
    matched BIGINT NOT NULL,
    missing_here BIGINT NOT NULL,
    missing_there BIGINT NOT NULL,
    different BIGINT NOT NULL,
    in_progress BIGINT NOT NULL,
    not_compared BIGINT NOT NULL
);

CREATE INDEX reconciliations_provider ON reconciliations (provider, id);
