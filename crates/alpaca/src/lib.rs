//! The broker: its event streams.
