//! Business figures: assets under management, today's deposits and investments, returns.
//!
//! All figures are computed from the tables and the last prices, so that a restart or a replay does not change them.

mod deposit_drift;
mod figures;
mod market_value;
mod past_portfolio;
mod portfolio;
mod prices;
mod returns;
mod share_prices;
mod snapshots;
mod today;
mod trial_balance;

pub use deposit_drift::DepositDrift;
pub use figures::{ACTIVE_WITHIN, Figures};
pub use market_value::MarketValue;
pub(crate) use market_value::market_value;
pub use past_portfolio::PastPortfolio;
pub use portfolio::{CustomerPortfolio, Portfolio, PortfolioPosition};
pub(crate) use prices::load_prices;
pub use prices::{AssetPrice, PRICE_AHEAD_MAX, PRICES_MAX};
pub use snapshots::SnapshotRun;
pub use trial_balance::{CurrencyTotal, TrialBalance};
