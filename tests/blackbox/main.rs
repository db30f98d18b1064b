//! The real server, spoken to over HTTP.
