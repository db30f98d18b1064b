//! The window of a request, from its parameters.

use symbol_analysis::{DAYS_MAX, Window};

use super::Parameters;
use crate::problem::Problem;

pub(super) const TIMEFRAME: &str = "timeframe";
pub(super) const DAYS: &str = "days";

pub(super) fn parse(parameters: &Parameters) -> Result<Window, Problem> {
    let timeframe = parameters.parse_as(TIMEFRAME)?.unwrap_or_default();
    Ok(Window::new(timeframe, parameters.number(DAYS, 1..=DAYS_MAX)?))
}
