//! Proves who sent a delivery, and says what it means.
