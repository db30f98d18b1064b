//! What an API key is for.

/// The purpose of an API key. It is part of the key, so that a test key in production is recognized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum KeyMode {
    /// Real money.
    Live,
    /// Simulated money.
    Paper,
    /// Tests.
    Test,
}

impl KeyMode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Live, Self::Paper, Self::Test];
}
