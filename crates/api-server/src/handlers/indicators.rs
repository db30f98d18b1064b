//! `GET /api/indicators/{symbol}`: full series of indicators by name.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use analysis::indicators::{IndicatorSeries, IndicatorSpec, Output, compute};
use analysis::{Absence, DroppedRows};
use axum::extract::{Extension, State};
use axum::response::Response;
use domain::{BarsView, Date, Symbol, Timeframe, VolumeBasis};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use symbol_analysis::{Provenance, dropped};
use utoipa::ToSchema;

use super::parameters::unprocessable;
use super::window::{DAYS, TIMEFRAME};
use super::{IfNoneMatch, Parameters, SymbolPath, etag, window};
use crate::problem::Problem;
use crate::representation::Representation;
use crate::request_context::RequestContext;
use crate::schemas::{self, NotModifiedOrProblems, SymbolParameter, WindowParameters};
use crate::state::Api;

const NAMES: &str = "names";
/// Most values of one response: the bars of the window, times the outputs of all indicators. They take about 5 MB.
const VALUES_MAX: usize = 250_000;
/// Most values that are read to compute one response: six times a CCI of 1,000 bars over the bundled history. That blocks the
/// thread for some tens of milliseconds.
const READS_MAX: usize = 20_000_000;
/// Most bytes of a value, a date or a null with its comma.
const VALUE_BYTES: usize = 20;
/// Values that are read in the time in which one is written.
const READS_PER_VALUE: usize = 80;
/// The indicators if the request names none.
const NAMES_DEFAULT: &str = "sma:20,sma:50,rsi:14,macd,bbands,atr:14,adx:14,obv";

/// Indicators over the same bars.
#[derive(Serialize, ToSchema)]
struct IndicatorTable<'a> {
    #[schema(value_type = schemas::Symbol)]
    symbol: Symbol,
    #[schema(value_type = schemas::Timeframe)]
    timeframe: Timeframe,
    #[schema(value_type = schemas::PriceBasis)]
    price_basis: &'static str,
    /// Date of the newest bar.
    #[schema(value_type = String, format = Date, example = "2013-03-01")]
    as_of: Date,
    #[serde(flatten)]
    provenance: Provenance<'a>,
    /// Date of each bar, oldest first: every output has one value for each.
    #[schema(value_type = Vec<String>)]
    dates: &'a [Date],
    /// In the order of the request.
    #[schema(value_type = Vec<IndicatorSchema>)]
    indicators: Vec<Indicator<'a>>,
}

/// An indicator over all bars, from which the response takes the window. Computed when it is serialized, so that only one series
/// at a time uses memory.
struct Indicator<'a> {
    spec: &'a IndicatorSpec,
    bars: BarsView<'a>,
    first: usize,
    volume_basis: VolumeBasis,
    dropped: DroppedRows<'a>,
}

impl Serialize for Indicator<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let series = compute(self.spec, &self.bars);
        let IndicatorSeries { indicator, definition, lookback, bars, flat, reason, outputs } = &series;
        let dropped = self.dropped.since(self.bars.date.first().copied());
        let volume_basis = self.spec.uses_volume().then(|| self.volume_basis.as_str());
        let fields = 7 + usize::from(dropped > 0) + usize::from(volume_basis.is_some());
        let mut out = serializer.serialize_struct("Indicator", fields)?;
        out.serialize_field("indicator", indicator)?;
        out.serialize_field("definition", definition)?;
        out.serialize_field("lookback", lookback)?;
        out.serialize_field("bars_used", bars)?;
        if let Some(basis) = volume_basis {
            out.serialize_field("volume_basis", basis)?;
        }
        if dropped > 0 {
            out.serialize_field("bars_dropped", &dropped)?;
        }
        out.serialize_field("flat", flat)?;
        out.serialize_field("reason", reason)?;
        out.serialize_field("outputs", &Outputs { outputs, window: self.first..*bars })?;
        out.end()
    }
}

struct Outputs<'a> {
    outputs: &'a [Output],
    window: Range<usize>,
}

impl Serialize for Outputs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = |output: &Output| self.window.clone().map(|at| output.at(at)).collect::<Vec<_>>();
        serializer.collect_map(self.outputs.iter().map(|output| (output.name(), values(output))))
    }
}

/// An indicator.
#[derive(ToSchema)]
#[schema(as = IndicatorSeries)]
#[expect(dead_code, reason = "read by the derived schema alone")]
struct IndicatorSchema {
    /// Name and every parameter.
    #[schema(example = "macd:12:26:9")]
    indicator: String,
    /// The formula.
    definition: String,
    /// Bars before the first value.
    lookback: usize,
    /// Bars that it was computed from, including those before the window.
    bars_used: usize,
    /// What the volume is adjusted for, if the indicator uses it: `raw`, `split`, or `as_given` if the source does not tell.
    volume_basis: Option<String>,
    /// Rows that were left out because they were invalid; absent if there is none.
    bars_dropped: Option<usize>,
    /// Whether no price changed over all bars: the values are those of a constant series.
    flat: bool,
    /// Why there is no value at all; null if there is one.
    #[schema(required)]
    reason: Option<Absence>,
    /// Outputs by name, each with one number or null for every date.
    outputs: BTreeMap<String, Vec<Option<f64>>>,
}

/// Indicators of a symbol
///
/// Each indicator is computed from all bars, so that the first bars of the window have values. The value is null for a bar with
/// too few bars before it.
#[utoipa::path(
    get,
    path = "/api/indicators/{symbol}",
    operation_id = "getIndicators",
    tag = "analysis",
    params(
        SymbolParameter,
        WindowParameters,
        (
            "names" = Option<schemas::IndicatorNames>, Query,
            description = "Indicators separated by commas, each with its parameters after colons; at most 32, and at most \
                250,000 values in total. Supported are sma, ema, \
                rsi, macd, bbands, adx, plus_di, minus_di, atr, stoch, obv, cci, mfi, willr",
        ),
    ),
    responses((status = 200, description = "The indicators", body = IndicatorTable), NotModifiedOrProblems)
)]
pub(crate) async fn get(
    SymbolPath(symbol): SymbolPath,
    parameters: Parameters,
    if_none_match: IfNoneMatch,
    Extension(context): Extension<Arc<RequestContext>>,
    State(api): State<Arc<Api>>,
) -> Result<Response, Problem> {
    parameters.allow_only(&[TIMEFRAME, DAYS, NAMES])?;
    let window = window::parse(&parameters)?;
    let names = parameters.text(NAMES).unwrap_or(NAMES_DEFAULT);
    let specs = IndicatorSpec::parse_list(names).map_err(|error| unprocessable(NAMES, error.to_string()))?;
    let snapshot = api.market_data.snapshot(&symbol).await?;
    let first_bar = window.first_bar(&snapshot.history);
    let timeframe = window.timeframe;

    let variant = format!("indicators-{}-{first_bar}-{:x}", timeframe.as_str(), digest(&specs));
    let etag = etag(&snapshot, &variant);
    if let Some(response) = if_none_match.not_modified(etag.as_ref()) {
        return Ok(response);
    }
    let (bars, first) = {
        let (bars, first) = window.bars(snapshot.history.adjusted(), first_bar);
        (bars.view().date.len(), first)
    };
    // Before the key is charged.
    let bytes = checked_bytes(&specs, bars, bars - first)?;
    let serialize = move || {
        let history = &snapshot.history;
        let (bars, first) = window.bars(history.adjusted(), first_bar);
        let bars = bars.view();
        Representation::serialize(&IndicatorTable {
            symbol: *history.symbol(),
            timeframe,
            price_basis: history.basis().as_str(),
            as_of: snapshot.as_of,
            provenance: Provenance::from_snapshot(&snapshot),
            dates: &bars.date[first..],
            indicators: specs
                .iter()
                .map(|spec| Indicator {
                    spec,
                    bars,
                    first,
                    volume_basis: history.volume_basis(),
                    dropped: dropped(&snapshot.quality),
                })
                .collect(),
        })
    };
    api.heavy_work.respond(&context, bytes, etag, serialize).await
}

/// About the size of the response, or of what is read to compute it, if that is more. Refuses requests that would need too much memory
/// or time.
fn checked_bytes(specs: &[IndicatorSpec], bars: usize, window: usize) -> Result<usize, Problem> {
    let values = window * specs.iter().map(IndicatorSpec::outputs).sum::<usize>();
    if values > VALUES_MAX {
        return Err(unprocessable(NAMES, format!("must give at most {VALUES_MAX} values, not {values}")));
    }
    let reads = bars * specs.iter().map(IndicatorSpec::reads_per_bar).sum::<usize>();
    if reads > READS_MAX {
        return Err(unprocessable(NAMES, "has too many long periods: use fewer or shorter ones"));
    }
    // A date for each bar of the window.
    Ok(VALUE_BYTES * (window + values).max(reads / READS_PER_VALUE))
}

/// A hash of a list of indicators with every parameter; stable within one build.
fn digest(specs: &[IndicatorSpec]) -> u64 {
    let mut hasher = DefaultHasher::new();
    specs.iter().for_each(|spec| spec.to_string().hash(&mut hasher));
    hasher.finish()
}
