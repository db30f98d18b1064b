//! Parameters that several routes take.

use utoipa::IntoParams;

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by the derived description alone")]
pub(crate) struct SymbolParameter {
    /// A ticker such as `AAPL`, `BRK.B` or `0700.HK`. Case is part of it.
    #[param(
        pattern = "^[A-Za-z0-9]{1,7}([.-][A-Za-z0-9]{1,3}){0,2}$",
        min_length = 1,
        max_length = 15,
        example = "AAPL"
    )]
    symbol: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the derived description alone")]
pub(crate) struct WindowParameters {
    /// The timeframe of a bar: a day, an ISO week or a calendar month.
    #[param(inline)]
    timeframe: Option<TimeframeName>,
    /// Calendar days back from the newest bar, that day included. By default 365 for days, 1,827 (five years) for weeks and 3,653
    /// (ten years) for months. Indicators are computed from all bars, and are the same for every number of days.
    #[param(minimum = 1, maximum = 20_000)]
    days: Option<u32>,
}

/// What prices are adjusted for.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "read by the derived schema alone")]
pub(crate) enum PriceBasisName {
    Raw,
    Split,
    SplitDividend,
}

/// The names of timeframes.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "read by the derived schema alone")]
pub(crate) enum TimeframeName {
    #[schema(rename = "1d")]
    Day,
    #[schema(rename = "1w")]
    Week,
    #[schema(rename = "1M")]
    Month,
}
