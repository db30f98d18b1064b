//! Everything that outlives a request: SQLite or Postgres.
