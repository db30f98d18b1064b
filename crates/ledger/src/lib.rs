//! What an event does to money: double entry, positions, valuation, performance.
