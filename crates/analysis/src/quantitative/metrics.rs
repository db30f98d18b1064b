//! Quantitative figures with their definitions.

use domain::{Date, DatedValues};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Absence, AnalysisInput, Figure, Span, risk};

/// The risk-free rate, if one is known.
const RATE_KNOWN: &str = "mean over the bars of the annual rate known on each date";

/// Dates of the deepest fall.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct DrawdownDates {
    /// Date of the close before the fall.
    #[schema(value_type = String, format = Date)]
    pub peak: Date,
    /// Date of the lowest close.
    #[schema(value_type = String, format = Date)]
    pub trough: Date,
    /// Date of the first later close at or above the peak; null until then.
    #[schema(value_type = Option<String>, format = Date)]
    pub recovery: Option<Date>,
}

/// Return and risk of the window. Simple returns, close to close, unless a definition says log.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Quantitative {
    /// Annual risk-free rate used in the ratios, as a fraction.
    pub risk_free_rate: f64,
    /// Source of that rate.
    pub risk_free_basis: &'static str,
    /// Name of the market index.
    pub benchmark: Option<String>,
    /// Last close over first close, less 1.
    pub total_return: Figure,
    /// Compound annual growth.
    pub cagr: Figure,
    /// Annualised standard deviation of returns.
    pub volatility: Figure,
    /// Annualised exponentially weighted volatility.
    pub ewma_volatility: Figure,
    /// Excess return over deviation.
    pub sharpe_ratio: Figure,
    /// Excess return over downside deviation.
    pub sortino_ratio: Figure,
    /// Annual growth over the deepest fall.
    pub calmar_ratio: Figure,
    /// Gains above the risk-free rate over losses below it.
    pub omega_ratio: Figure,
    /// Upper tail over lower tail.
    pub tail_ratio: Figure,
    /// Deepest fall from a peak.
    pub max_drawdown: Figure,
    /// Dates of that fall; null when the price never fell.
    pub drawdown: Option<DrawdownDates>,
    /// Root mean square of the falls from the peak.
    pub ulcer_index: Figure,
    /// Historical value at risk of one bar.
    pub var_95: Figure,
    /// Mean of the lowest returns, 5 % of all of them.
    pub cvar_95: Figure,
    /// Parametric value at risk of one bar.
    pub var_95_normal: Figure,
    /// Skewness of returns.
    pub skewness: Figure,
    /// Excess kurtosis of returns, 0 for the normal distribution.
    pub excess_kurtosis: Figure,
    /// Sensitivity to the market.
    pub beta: Figure,
    /// Annual return that beta does not explain, arithmetic.
    pub alpha_arith: Figure,
    /// Annual return that beta does not explain, compounded.
    pub alpha_geo: Figure,
    /// Excess return over the market, relative to its deviation.
    pub information_ratio: Figure,
}

impl Quantitative {
    /// Whether a rate is known for the dates of the window.
    pub(crate) fn has_risk_free_rate(&self) -> bool {
        self.risk_free_basis == RATE_KNOWN
    }

    pub(super) fn new(input: &AnalysisInput<'_>) -> Self {
        let bars = input.window();
        let closes = bars.close;
        let year = input.timeframe.bars_per_year();
        let returns = risk::simple_returns(closes);
        let moments = risk::Moments::new(&returns);
        let (annual_rate, risk_free_basis) = risk_free(input);
        let rate = risk::per_bar_rate(annual_rate, year);

        let span = input.newest(bars.len());
        let on = |definition, outcome| Figure::new(definition, span, outcome);
        let indicators = input.indicators.filter(|indicators| indicators.is_of(input.bars));
        let ewma_variance = match indicators {
            Some(indicators) => indicators.ewma_variance,
            None => risk::ewma_variance(input.bars.close),
        };
        let cagr = risk::cagr(closes, year);
        let drawdown = risk::drawdown(bars.date, closes);
        let depth = drawdown.map(|drawdown| drawdown.depth);
        let against = MarketFigures::new(input, &returns, rate);
        let sortino = risk::sortino(&returns, rate, year);
        let omega = risk::omega(&returns, rate);
        // Last, because it reorders the returns.
        let mut returns = returns;
        let tails = risk::tails(&mut returns);

        Self {
            risk_free_rate: annual_rate,
            risk_free_basis,
            benchmark: input.benchmark.map(|benchmark| benchmark.name.to_owned()),
            total_return: on("last close / first close - 1", risk::total_return(closes)),
            cagr: on("(1 + total return)^(bars per year / number of returns) - 1", cagr),
            volatility: on("std(returns, ddof 1) * sqrt(bars per year)", risk::volatility(&moments, year)),
            // A property of the newest bar: old returns fade, whether they lie in the window or before it.
            ewma_volatility: Figure::new(
                "sqrt(EWMA of squared log returns, lambda 0.94, seeded with the first) * sqrt(bars per year)",
                input.newest(risk::EWMA_RETURNS_MAX + 1),
                ewma_variance.map(|variance| (variance * year).sqrt()),
            ),
            sharpe_ratio: on(
                "mean(r - rf) / std(r - rf, ddof 1) * sqrt(bars per year), rf the per-bar risk-free rate",
                risk::sharpe(&moments, rate, year),
            ),
            sortino_ratio: on(
                "mean(r - rf) / sqrt(mean(min(r - rf, 0)^2) over all bars) * sqrt(bars per year)",
                sortino,
            ),
            calmar_ratio: on("CAGR / |maximum drawdown|", both(cagr, depth, risk::calmar)),
            omega_ratio: on("sum(max(r - rf, 0)) / sum(max(rf - r, 0))", omega),
            tail_ratio: on(
                "|95 % quantile| / |5 % quantile| of returns, linear interpolation",
                tails.and_then(|tails| tails.tail_ratio),
            ),
            max_drawdown: on("min(close / highest close so far - 1)", depth),
            drawdown: drawdown.ok().filter(|drawdown| drawdown.depth < 0.0).map(|drawdown| DrawdownDates {
                peak: drawdown.peak,
                trough: drawdown.trough,
                recovery: drawdown.recovery,
            }),
            ulcer_index: on(
                "sqrt(sum(drawdown^2) / (number of returns - 1))",
                drawdown.and_then(|drawdown| drawdown.ulcer_index),
            ),
            var_95: on(
                "historical 1-bar 5 % quantile of returns, linear interpolation",
                tails.map(|tails| tails.var_95),
            ),
            cvar_95: on(
                "mean of the floor(0.05 * (n - 1)) + 1 lowest of n returns (empyrical)",
                tails.map(|tails| tails.cvar_95),
            ),
            var_95_normal: on("5 % quantile of a normal distribution", risk::var_95_normal(&moments)),
            skewness: on("bias-corrected skewness G1", moments.skewness()),
            excess_kurtosis: on("bias-corrected excess kurtosis G2", moments.excess_kurtosis()),
            beta: against.beta,
            alpha_arith: against.alpha_arith,
            alpha_geo: against.alpha_geo,
            information_ratio: against.information_ratio,
        }
    }
}

/// The figures that need the market.
struct MarketFigures {
    beta: Figure,
    alpha_arith: Figure,
    alpha_geo: Figure,
    information_ratio: Figure,
}

impl MarketFigures {
    fn new(input: &AnalysisInput<'_>, returns: &[f64], rate: f64) -> Self {
        let year = input.timeframe.bars_per_year();
        let pairs = match input.benchmark {
            Some(market) => {
                Ok(risk::align_with_market(input.window().date, returns, market.returns, input.timeframe))
            }
            None => Err(Absence::Missing { what: "returns of the market" }),
        };
        let pairs = pairs.as_ref().map_err(|absence| *absence);
        let dates = pairs.ok().and_then(|pairs| pairs.dates);
        let window = input.newest(returns.len() + 1);
        let span = Span {
            bars_used: pairs.map_or(0, |pairs| pairs.market.len()),
            first_date: dates.map(|(first, _)| first),
            last_date: dates.map(|(_, last)| last),
            ..window
        };
        let beta = pairs.and_then(|pairs| pairs.beta());
        let alpha = both(pairs, beta, |pairs, beta| pairs.alpha_per_bar(beta, rate));
        let on = |definition, outcome| Figure::new(definition, span, outcome);
        Self {
            beta: on("cov(r, m) / var(m), ddof 1, on common bars", beta),
            alpha_arith: on(
                "mean((r - rf) - beta * (m - rf)) * bars per year",
                alpha.map(|alpha| alpha * year),
            ),
            alpha_geo: on(
                "(1 + mean((r - rf) - beta * (m - rf)))^(bars per year) - 1",
                alpha.map(|alpha| (1.0 + alpha).powf(year) - 1.0),
            ),
            information_ratio: on(
                "mean(r - m) / std(r - m, ddof 1) * sqrt(bars per year)",
                pairs.and_then(|pairs| pairs.information_ratio(year)),
            ),
        }
    }
}

/// The annual risk-free rate: the mean of the rates known on the date of each bar.
fn risk_free(input: &AnalysisInput<'_>) -> (f64, &'static str) {
    let rate = input.risk_free.and_then(|rates| mean_rate(rates, input.window().date));
    match rate {
        Some(rate) => (rate, RATE_KNOWN),
        None => (0.0, "no rate is known for these dates; 0 is used"),
    }
}

fn mean_rate(rates: &DatedValues, dates: &[Date]) -> Option<f64> {
    let first = dates.first()?;
    let mut next = rates.dates().partition_point(|date| date <= first);
    let (mut sum, mut count) = (0.0, 0.0);
    for date in dates {
        while rates.dates().get(next).is_some_and(|at| at <= date) {
            next += 1;
        }
        if let Some(index) = next.checked_sub(1) {
            sum += rates.values()[index];
            count += 1.0;
        }
    }
    // A rate at or below -100 % cannot be compounded.
    (count > 0.0).then(|| sum / count).filter(|rate| *rate > -1.0 && rate.is_finite())
}

fn both<A, B, C>(
    first: Result<A, Absence>,
    second: Result<B, Absence>,
    then: impl FnOnce(A, B) -> Result<C, Absence>,
) -> Result<C, Absence> {
    then(first?, second?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn the_rate_is_the_one_known_on_each_date() {
        let rates = DatedValues::from_pairs([
            (date("2013-01-02"), 0.01),
            (date("2013-01-04"), 0.03),
            (date("2013-01-09"), 0.50),
        ]);
        let dates = ["2013-01-01", "2013-01-03", "2013-01-04", "2013-01-07"].map(date);
        // Nothing on the 1st; 1 % on the 3rd; 3 % on the 4th and the 7th; the future does not count.
        let mean = mean_rate(&rates, &dates).unwrap();
        assert!((mean - 0.07 / 3.0).abs() < 1e-15);
        assert_eq!(mean_rate(&rates, &dates[..1]), None);
    }
}
