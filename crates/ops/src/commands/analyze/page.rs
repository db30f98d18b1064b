//! The analysis as text: one function for each section.

use std::fmt::Write;
use std::path::Path;

use analysis::technical::{Technical, TrendDirection};
use analysis::{Absence, Figure};
use domain::{BarsView, FilingPeriod, PriceBasis};
use market_data::{AbsentPart, Mapping, Part, Snapshot};
use symbol_analysis::AnalysisResponse;

use super::chart;
use super::figures::{Item, Unit, grid, price};
use super::layout::{Layout, Tone, foreign, width};

/// Columns of a score on its scale.
const SCALE_COLUMNS: usize = 31;
/// Most columns of a contribution on one side of the axis.
const BAR_COLUMNS_MAX: usize = 20;
/// Columns of a row of contributions without its bar.
const CONTRIBUTION_COLUMNS: usize = 44;

pub(super) struct Page<'a> {
    pub(super) response: &'a AnalysisResponse<'a>,
    pub(super) snapshot: &'a Snapshot,
    /// The file of `--csv`.
    pub(super) file: Option<&'a Path>,
    /// The bars of the window.
    pub(super) bars: BarsView<'a>,
}

impl Page<'_> {
    pub(super) fn text(&self, layout: &Layout) -> String {
        let indicators = self.indicators();
        let risk = self.risk();
        let forecasts = self.forecasts();
        let company = self.company();
        let absent = [&indicators, &risk, &forecasts, &company].into_iter().flatten();
        let absent: Vec<(&str, Absence)> = absent.filter_map(Item::absence).collect();
        let window = format!("{} bars from {}", self.response.analysis.bars_used, self.first_date());
        let sections = [
            self.title(layout),
            self.signal(layout),
            self.price(layout),
            self.contributions(layout),
            section("Indicators", &self.votes(), &indicators, layout),
            section("Return and risk", &window, &risk, layout),
            section("Forecasts", &self.horizon(), &forecasts, layout),
            section("Company", &self.filing(), &company, layout),
            self.missing(&absent, layout),
            self.data(layout),
        ];
        let sections: Vec<String> = sections.into_iter().filter(|section| !section.is_empty()).collect();
        layout.printable(&sections.join("\n"))
    }

    fn first_date(&self) -> String {
        self.response.analysis.first_date.map_or_else(String::new, |date| date.to_string())
    }

    fn title(&self, layout: &Layout) -> String {
        let AnalysisResponse { name, analysis, provenance, .. } = self.response;
        let mut text = heading(analysis.symbol.as_str(), &name.map(foreign).unwrap_or_default(), layout);
        let price = analysis.current_price.map_or_else(String::new, price);
        text += &layout.paragraph(Tone::Plain, 0, &format!("{price} on {}", self.snapshot.as_of));
        if provenance.sample {
            text += &layout.paragraph(Tone::Caution, 0, "sample data, not a current price");
        }
        text
    }

    fn signal(&self, layout: &Layout) -> String {
        let analysis = &self.response.analysis;
        let title = layout.paint(Tone::Heading, "Signal");
        let mut text = match (analysis.overall_signal, analysis.overall_score) {
            (Some(signal), Some(score)) => {
                let signal = layout.paint(Tone::of(score), &format!("{signal} {score:+.2}"));
                let scale = chart::scale(score, SCALE_COLUMNS.min(layout.columns - 11), layout);
                format!("{title}  {signal}\n  sell {scale} buy\n")
            }
            (_, _) => format!("{title}  none\n"),
        };
        text += &layout.paragraph(Tone::Plain, 0, &analysis.recommendation);
        // The table of contributions shows the sentences before.
        let in_table = analysis.contributions.len() + analysis.missing.len();
        for sentence in analysis.explanation.iter().skip(in_table) {
            text += &layout.paragraph(Tone::Plain, 0, sentence);
        }
        text
    }

    fn price(&self, layout: &Layout) -> String {
        let closes = self.bars.close;
        if closes.len() < 2 {
            return String::new();
        }
        let (lowest, highest) = chart::range(closes);
        let labels = [price(highest), String::new(), String::new(), price(lowest)];
        let label_width = labels.iter().map(|label| width(label)).max().unwrap_or_default();
        let lines = chart::price(closes, layout.columns.saturating_sub(label_width + 4), layout);
        let (axis, basis) = (layout.glyphs.axis, adjusted(self.snapshot.history.basis()));
        let last = self.response.analysis.as_of.map_or_else(String::new, |date| date.to_string());
        let note = format!("closes from {} to {last}, {basis}", self.first_date());
        let mut text = heading("Price", &note, layout);
        for (label, line) in labels.iter().zip(&lines) {
            let line = format!("  {label:>label_width$} {axis}{line}");
            text += line.trim_end();
            text.push('\n');
        }
        text
    }

    fn contributions(&self, layout: &Layout) -> String {
        let analysis = &self.response.analysis;
        let parts = &analysis.contributions;
        let largest = parts.iter().map(|part| part.contribution.abs()).fold(0.0, f64::max);
        let half = (layout.columns.saturating_sub(CONTRIBUTION_COLUMNS) / 2).min(BAR_COLUMNS_MAX);
        let note = "weight x score; their sum is the score of the signal";
        let mut text = heading("Contributions", note, layout);
        for part in parts {
            let (weight, score) = (part.weight * 100.0, part.score);
            let bar = chart::bar(part.contribution, largest, half, layout);
            let engine = part.engine.to_string();
            let sum = layout.paint(Tone::of(part.contribution), &format!("{:+.3}", part.contribution));
            writeln!(text, "  {engine:<12}  {weight:>3.0} % x {score:+.2}  {bar}  {sum}")
                .expect("writing to a string does not fail");
        }
        for missing in &analysis.missing {
            let row = format!("{:<12}   none", missing.engine.to_string());
            writeln!(text, "  {}", layout.paint(Tone::Faint, &row))
                .expect("writing to a string does not fail");
        }
        text
    }

    fn votes(&self) -> String {
        let technical = self.response.analysis.technical.metrics.as_ref();
        technical.map_or_else(String::new, |Technical { rating, .. }| {
            format!("votes: {} buy, {} neutral, {} sell", rating.buy, rating.neutral, rating.sell)
        })
    }

    fn indicators(&self) -> Vec<Item> {
        let Some(Technical { metrics, .. }) = &self.response.analysis.technical.metrics else {
            return Vec::new();
        };
        let trend = |label: &str, name: &str| {
            let trend = metrics.trend(name);
            let reason = trend.and_then(|trend| trend.reason).unwrap_or(Absence::Missing { what: "value" });
            let direction = trend.and_then(|trend| trend.value).map(|direction| match direction {
                TrendDirection::Up => "up",
                TrendDirection::Down => "down",
                TrendDirection::Sideways => "sideways",
            });
            Item::text(label, direction.map(str::to_owned).ok_or(reason))
        };
        let figures = [
            ("RSI 14", "rsi", Unit::Number),
            ("MACD histogram", "macd_histogram", Unit::Number),
            ("Stochastic %K", "stoch_k", Unit::Number),
            ("ADX 14", "adx", Unit::Number),
            ("SMA 20", "sma_20", Unit::Price),
            ("SMA 50", "sma_50", Unit::Price),
            ("SMA 200", "sma_200", Unit::Price),
            ("Support", "support", Unit::Price),
            ("Resistance", "resistance", Unit::Price),
            ("52-week low", "week52_low", Unit::Price),
            ("52-week high", "week52_high", Unit::Price),
            ("Bollinger %b", "bb_percent_b", Unit::Number),
            ("ATR 14 / close", "atr_ratio", Unit::Percent),
            ("MFI 14", "mfi", Unit::Number),
        ];
        let figures =
            figures.map(|(label, name, unit)| Item::new(label, metrics.figure(name), unit)).into_iter();
        [trend("Trend", "trend"), trend("OBV trend", "obv_trend")].into_iter().chain(figures).collect()
    }

    fn risk(&self) -> Vec<Item> {
        let Some(metrics) = &self.response.analysis.quantitative.metrics else { return Vec::new() };
        let figures: [(&str, &Figure, Unit); 10] = [
            ("Total return", &metrics.total_return, Unit::Change),
            ("Annual volatility", &metrics.volatility, Unit::Percent),
            ("Largest drawdown", &metrics.max_drawdown, Unit::Change),
            ("Sharpe ratio", &metrics.sharpe_ratio, Unit::Number),
            ("Sortino ratio", &metrics.sortino_ratio, Unit::Number),
            ("Calmar ratio", &metrics.calmar_ratio, Unit::Number),
            ("VaR 95 % (1 bar)", &metrics.var_95, Unit::Change),
            ("CVaR 95 % (1 bar)", &metrics.cvar_95, Unit::Change),
            ("Beta", &metrics.beta, Unit::Number),
            ("Annual alpha", &metrics.alpha_arith, Unit::Change),
        ];
        figures.map(|(label, figure, unit)| Item::new(label, Some(figure), unit)).into()
    }

    fn horizon(&self) -> String {
        let days = self.response.analysis.models.volatility.horizon_bars;
        format!("probability of a fall, and volatility, in the next {days} trading days")
    }

    fn forecasts(&self) -> Vec<Item> {
        let models = &self.response.analysis.models;
        let falls = models.fall_risk.falls.iter().map(|fall| {
            let label =
                format!("Fall of {:.0} % (base rate {:.0} %)", fall.fall * 100.0, fall.base_rate * 100.0);
            Item::new(&label, Some(&fall.probability), Unit::Percent)
        });
        let forecast = &models.volatility;
        let range = || {
            let (low, high) = (forecast.low_80.outcome()?, forecast.high_80.outcome()?);
            Ok(format!("{:.0} to {:.0} %", low * 100.0, high * 100.0))
        };
        let volatility = Item::new("Annual volatility", Some(&forecast.volatility), Unit::Percent);
        falls.chain([volatility, Item::text("80 % range of volatility", range())]).collect()
    }

    fn filing(&self) -> String {
        let Some(metrics) = &self.response.analysis.fundamental.metrics else { return String::new() };
        let filed = metrics.filing_date.map_or_else(String::new, |date| format!(", filed on {date}"));
        format!("{} to {}{filed}", period(metrics.basis), metrics.period_end)
    }

    fn company(&self) -> Vec<Item> {
        let Some(metrics) = &self.response.analysis.fundamental.metrics else { return Vec::new() };
        let figures: [(&str, &Figure, Unit); 9] = [
            ("Price / earnings", &metrics.pe_ratio, Unit::Number),
            ("Price / book", &metrics.pb_ratio, Unit::Number),
            ("Free cash flow yield", &metrics.fcf_yield, Unit::Percent),
            ("Revenue growth", &metrics.revenue_growth, Unit::Change),
            ("EPS growth", &metrics.eps_growth, Unit::Change),
            ("Profit margin", &metrics.profit_margin, Unit::Percent),
            ("Return on equity", &metrics.roe, Unit::Percent),
            ("Current ratio", &metrics.current_ratio, Unit::Number),
            ("Debt / equity", &metrics.debt_to_equity, Unit::Number),
        ];
        figures.map(|(label, figure, unit)| Item::new(label, Some(figure), unit)).into()
    }

    /// What is absent, by reason.
    fn missing(&self, absent: &[(&str, Absence)], layout: &Layout) -> String {
        let engines = self.response.analysis.missing.iter();
        let engines =
            engines.map(|missing| (format!("{} engine", missing.engine), missing.reason.to_string()));
        let parts = self.snapshot.missing.iter().map(|AbsentPart { part, error }| {
            let part = match part {
                Part::Details => "name",
                Part::Financials => "filings",
                Part::News => "news",
            };
            let why = error.as_ref().map_or_else(|| "the source has none".to_owned(), ToString::to_string);
            (part.to_owned(), why)
        });
        let figures = absent.iter().map(|(label, reason)| ((*label).to_owned(), reason.to_string()));
        let mut by_reason: Vec<(String, Vec<String>)> = Vec::new();
        for (what, why) in engines.chain(parts).chain(figures) {
            match by_reason.iter_mut().find(|(reason, _)| *reason == why) {
                Some((_, all)) => all.push(what),
                None => by_reason.push((why, vec![what])),
            }
        }
        if by_reason.is_empty() {
            return String::new();
        }
        let lines = by_reason
            .iter()
            .map(|(why, what)| layout.paragraph(Tone::Plain, 2, &format!("{}: {why}", what.join(", "))));
        heading("Missing", "not in the data, and why", layout) + &lines.collect::<String>()
    }

    fn data(&self, layout: &Layout) -> String {
        let provenance = &self.response.provenance;
        let file = self.file.map(|file| foreign(&format!("CSV file {}", file.display())));
        let source = file.unwrap_or_else(|| provenance.data_source.to_owned());
        let fetched = provenance.fetched_at.as_ref();
        let fetched = fetched.map_or_else(String::new, |time| format!(", read at {time}"));
        let mut text = heading("Data", &format!("{source}{fetched}"), layout);
        let caution = |text: &str| layout.paragraph(Tone::Caution, 0, text);
        if provenance.sample {
            text += &caution(
                "sample, and stale: real prices of the past. For current ones set POLYGON_API_KEY or MARKET_DATA_DIR, or use \
                 --csv FILE",
            );
        } else if provenance.stale {
            let age = provenance.age_s.map_or_else(String::new, |age_s| format!(", {age_s} s old"));
            text += &caution(&format!("stale{age}: refreshing it failed or is in progress"));
        }
        for note in provenance.data_quality.notes {
            text += &layout.paragraph(Tone::Plain, 0, note);
        }
        if let Some(mapping) = &self.snapshot.mapping {
            text += &layout.paragraph(Tone::Plain, 2, &read_as(mapping));
        }
        text
    }
}

/// A title with a note, which has lines of its own if it is too long.
fn heading(title: &str, note: &str, layout: &Layout) -> String {
    let painted = layout.paint(Tone::Heading, title);
    match width(title) + 2 + width(note) {
        _ if note.is_empty() => format!("{painted}\n"),
        columns if columns > layout.columns => {
            format!("{painted}\n{}", layout.paragraph(Tone::Faint, 0, note))
        }
        _ => format!("{painted}  {}\n", layout.paint(Tone::Faint, note)),
    }
}

/// A section of items; nothing without items.
fn section(title: &str, note: &str, items: &[Item], layout: &Layout) -> String {
    if items.is_empty() {
        return String::new();
    }
    heading(title, note, layout) + &grid(items, layout)
}

fn adjusted(basis: PriceBasis) -> &'static str {
    match basis {
        PriceBasis::Raw => "as traded",
        PriceBasis::Split => "adjusted for splits",
        PriceBasis::SplitDividend => "adjusted for splits and dividends",
    }
}

fn period(basis: FilingPeriod) -> &'static str {
    match basis {
        FilingPeriod::Annual => "fiscal year",
        FilingPeriod::Quarterly => "quarter",
        FilingPeriod::TrailingTwelveMonths => "four quarters",
    }
}

/// How the file was read.
fn read_as(mapping: &Mapping) -> String {
    let Mapping { source, columns, ignored, delimiter, dates, decimals, rows } = mapping;
    let source = source.map_or_else(String::new, |source| format!(" of {source}"));
    let columns: Vec<String> = columns.iter().map(|(field, column)| format!("{field}={column}")).collect();
    let ignored =
        if ignored.is_empty() { String::new() } else { format!("; not used: {}", ignored.join(", ")) };
    let delimiter = match delimiter {
        '\t' => "tab".to_owned(),
        delimiter => format!("`{delimiter}`"),
    };
    foreign(&format!(
        "read as an export{source}: {}{ignored}; separator {delimiter}, dates {dates}, decimal {decimals}, rows {}",
        columns.join(", "),
        <&str>::from(*rows),
    ))
}
