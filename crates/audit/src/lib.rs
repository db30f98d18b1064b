//! What an audit entry is, how entries chain, and how a chain is checked.
