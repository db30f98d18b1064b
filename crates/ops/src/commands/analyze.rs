//! `investiq analyze SYMBOL`: the analysis of a symbol as `GET /api/analyze/{symbol}` responds it, without a server. With
//! `--csv` it reads one file, no settings and no secrets.

mod chart;
mod figures;
mod layout;
mod page;

use std::path::PathBuf;
use std::sync::Arc;

use analysis::{Models, RecursiveIndicators};
use domain::{DatedValues, Symbol, Timeframe};
use market_data::{Benchmark, Error, MarketData, Snapshot, csv_directory};
use symbol_analysis::{DAYS_MAX, SymbolData, Window, analyze};

use crate::console::Console;
use crate::database::failed;
use crate::exit::Exit;
use crate::failure::Failure;
use layout::Layout;
use page::Page;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq analyze AAPL\n  investiq analyze MSFT --timeframe 1w --days 1500\n  investiq analyze BRK-B --csv prices.csv\n  investiq analyze AAPL --json"
)]
pub(crate) struct Arguments {
    /// Symbol, as its source writes it
    symbol: Symbol,
    /// CSV file of daily bars [default: the data of the server]
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Time that one bar covers: 1d, 1w or 1M
    #[arg(long, value_name = "TIMEFRAME", default_value = "1d")]
    timeframe: Timeframe,
    /// Calendar days of the window for return and risk [default: 365 for 1d, 1827 for 1w, 3653 for 1M]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(DAYS_MAX)))]
    days: Option<u32>,
    /// Print the JSON of `GET /api/analyze/{symbol}`
    #[arg(long)]
    json: bool,
}

/// Everything that is known of a symbol.
struct Loaded {
    snapshot: Arc<Snapshot>,
    benchmark: Option<Arc<Benchmark>>,
    risk_free: Option<Arc<DatedValues>>,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let Arguments { symbol, csv, timeframe, days, json } = arguments;
    let loaded = match csv {
        Some(file) => {
            let snapshot = csv_directory::read_file(file, *symbol, console.now().as_millisecond());
            let snapshot = snapshot.map_err(failed)?;
            Loaded { snapshot, benchmark: None, risk_free: None }
        }
        None => load(symbol, console).await?,
    };
    let data = SymbolData {
        snapshot: &loaded.snapshot,
        benchmark: loaded.benchmark.as_deref(),
        risk_free: loaded.risk_free.as_deref(),
    };
    let models = Models::bundled().map_err(failed)?;
    let window = Window::new(*timeframe, *days);
    let response = analyze(&data, window, &models, |bars| Arc::new(RecursiveIndicators::new(bars)));
    let text = match json {
        true => serde_json::to_string(&response).map_err(|error| Failure::Output(error.into()))? + "\n",
        false => {
            let (bars, first) =
                window.bars(data.snapshot.history.adjusted(), window.first_bar(&data.snapshot.history));
            let bars = bars.view().from(first);
            let page = Page { response: &response, snapshot: data.snapshot, file: csv.as_deref(), bars };
            page.text(&Layout::of(console))
        }
    };
    console.print(&text)?;
    Ok(Exit::Success)
}

/// The data that the server has in this environment.
async fn load(symbol: &Symbol, console: &Console) -> Result<Loaded, Failure> {
    let config = config::load(console.environment())?;
    let secrets = config::start::check_secrets(&config, console.environment()).await;
    let secrets = secrets.map_err(failed)?;
    let key = secrets.credentials.handle("polygon_api_key", "ops").map_err(failed)?;
    // Without a key the source is another one; with an invalid key it is none.
    key.load_optional()?;
    let source = symbol_analysis::open(&config, &key, console.clock_ms(), None).map_err(failed)?;
    let snapshot = match source.snapshot(symbol).await {
        Ok(snapshot) => snapshot,
        Err(error) => return Err(Failure::Precondition(explain(&error, &source).await)),
    };
    Ok(Loaded { snapshot, benchmark: source.benchmark().await, risk_free: source.risk_free() })
}

/// What failed, and which symbols there are if this one is unknown.
async fn explain(error: &Error, source: &MarketData) -> String {
    const LISTED_MAX: usize = 20;
    let Error::UnknownSymbol { similar, .. } = error else { return error.to_string() };
    let names = |symbols: &[Symbol]| {
        let names: Vec<&str> = symbols.iter().map(Symbol::as_str).take(LISTED_MAX).collect();
        format!("{}{}", names.join(", "), if symbols.len() > LISTED_MAX { " and others" } else { "" })
    };
    let listed = source.symbols().await.map(|listing| listing.symbols).unwrap_or_default();
    let listed: Vec<Symbol> = listed.iter().map(|listing| listing.symbol).collect();
    let place = source.data_source();
    match (similar.as_slice(), listed.as_slice()) {
        ([], []) => format!("{error} ({place})"),
        ([], listed) => format!("{error}: the {place} has {}; --csv FILE reads your own file", names(listed)),
        (similar, _) => format!("{error}: did you mean {}?", names(similar)),
    }
}
