//! The fitted models, as files of numbers that are compiled in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::confidence::ConfidenceModel;
use crate::fall_risk::FallRiskModel;
use crate::volatility::VolatilityModel;

/// Everything that was fitted or measured beforehand. A file can be read by a person; none holds code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Models {
    /// Chances of a fall.
    pub fall_risk: FallRiskModel,
    /// Volatility ahead.
    pub volatility: VolatilityModel,
    /// How often the overall signal was right.
    pub confidence: ConfidenceModel,
}

impl Models {
    /// The models of this build, fitted to the bundled sample by `examples/fit_models.rs`.
    ///
    /// # Errors
    /// When a compiled-in file has another shape than this build expects; a test reads them.
    pub fn bundled() -> Result<Self, serde_json::Error> {
        Ok(Self {
            fall_risk: serde_json::from_str(include_str!("../models/fall_risk.json"))?,
            volatility: serde_json::from_str(include_str!("../models/volatility.json"))?,
            confidence: serde_json::from_str(include_str!("../models/confidence.json"))?,
        })
    }
}
