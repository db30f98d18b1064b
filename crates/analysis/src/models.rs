//! The fitted models, compiled in from JSON files.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::confidence::ConfidenceModel;
use crate::fall_risk::FallRiskModel;
use crate::volatility::VolatilityModel;

/// Models that were fitted or measured in advance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Models {
    /// Probabilities of a fall.
    pub fall_risk: FallRiskModel,
    /// Forecast of volatility.
    pub volatility: VolatilityModel,
    /// Measured hit rates of the overall signal.
    pub confidence: ConfidenceModel,
}

impl Models {
    /// The models of this build, fitted to the bundled sample by `examples/fit_models.rs`.
    ///
    /// # Errors
    /// When a compiled-in file does not match this build; a test reads them.
    pub fn bundled() -> Result<Self, serde_json::Error> {
        Ok(Self {
            fall_risk: serde_json::from_str(include_str!("../models/fall_risk.json"))?,
            volatility: serde_json::from_str(include_str!("../models/volatility.json"))?,
            confidence: serde_json::from_str(include_str!("../models/confidence.json"))?,
        })
    }
}
