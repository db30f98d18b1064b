//! Parameters that several routes take.

use utoipa::IntoParams;

/// The `{symbol}` of a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by the derived description alone")]
pub struct SymbolParameter {
    /// A ticker such as `AAPL` or `BRK.B`.
    #[param(
        pattern = "^[A-Za-z][A-Za-z0-9]{0,7}([.-][A-Za-z0-9]{1,3})?$",
        min_length = 1,
        max_length = 12,
        example = "AAPL"
    )]
    symbol: String,
}

/// The parameters of a window.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the derived description alone")]
pub struct WindowParameters {
    /// How much time a bar covers: a day, an ISO week or a calendar month.
    #[param(inline)]
    timeframe: Option<TimeframeName>,
    /// Calendar days back from the newest bar, that day included.
    #[param(minimum = 1, maximum = 20_000, default = 365)]
    days: Option<u32>,
}

/// What prices may be adjusted for.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum PriceBasisName {
    /// As traded.
    Raw,
    /// For splits.
    Split,
    /// For splits and dividends.
    SplitDividend,
}

/// The spellings of a timeframe.
#[derive(utoipa::ToSchema)]
pub enum TimeframeName {
    /// A day.
    #[schema(rename = "1d")]
    Day,
    /// An ISO week.
    #[schema(rename = "1w")]
    Week,
    /// A calendar month.
    #[schema(rename = "1M")]
    Month,
}
