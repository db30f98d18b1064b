//! Newest figures and the 26 votes at every length of history.

use analysis::Absence;
use analysis::technical::technical;

use crate::fixture::{Fixture, SYMBOLS, TOLERANCE, disagreement};

/// Figures and the fixture columns with their expected values.
const FIGURES: [(&str, &str); 22] = [
    ("sma_20", "sma:20"),
    ("sma_50", "sma:50"),
    ("sma_200", "sma:200"),
    ("ema_12", "ema:12"),
    ("ema_26", "ema:26"),
    ("rsi", "rsi:14"),
    ("macd", "macd:12:26:9 macd"),
    ("macd_signal", "macd:12:26:9 signal"),
    ("macd_histogram", "macd:12:26:9 histogram"),
    ("bb_upper", "bbands:20:2 upper"),
    ("bb_middle", "bbands:20:2 middle"),
    ("bb_lower", "bbands:20:2 lower"),
    ("adx", "adx:14"),
    ("plus_di", "plus_di:14"),
    ("minus_di", "minus_di:14"),
    ("atr", "atr:14"),
    ("stoch_k", "stoch:14:3:3 k"),
    ("stoch_d", "stoch:14:3:3 d"),
    ("cci", "cci:20"),
    ("mfi", "mfi:14"),
    ("williams_r", "willr:14"),
    ("obv", "obv"),
];

/// Votes and the fixture columns with their expected values, in the order of the response.
const VOTES: [(&str, &str); 26] = [
    ("sma_10", "sma:10"),
    ("sma_20", "sma:20"),
    ("sma_30", "sma:30"),
    ("sma_50", "sma:50"),
    ("sma_100", "sma:100"),
    ("sma_200", "sma:200"),
    ("ema_10", "ema:10"),
    ("ema_20", "ema:20"),
    ("ema_30", "ema:30"),
    ("ema_50", "ema:50"),
    ("ema_100", "ema:100"),
    ("ema_200", "ema:200"),
    ("hull_9", "hma:9"),
    ("vwma_20", "vwma:20"),
    ("ichimoku_9_26_52", "ichimoku"),
    ("rsi_14", "rsi"),
    ("stochastic_14_3_3", "stoch"),
    ("cci_20", "cci"),
    ("adx_14", "adx"),
    ("awesome", "ao"),
    ("momentum_10", "mom"),
    ("macd_12_26_9", "macd"),
    ("stochastic_rsi_3_3_14_14", "stochrsi"),
    ("williams_r_14", "willr"),
    ("bull_bear_power_13", "bull_bear"),
    ("ultimate_7_14_28", "ultosc"),
];

/// The fixture's value of a vote that cannot be computed.
const ABSENT: i32 = 127;

#[test]
fn every_figure_agrees_at_every_length_of_history() {
    for symbol in SYMBOLS {
        let fixture = Fixture::load(symbol);
        let mut figures = FIGURES.map(|_| Vec::with_capacity(fixture.len()));
        for bars in 1..=fixture.len() {
            let analysis = technical(&fixture.input(bars));
            for ((name, _), values) in FIGURES.iter().zip(&mut figures) {
                values.push(analysis.metrics.figure(name).unwrap().value().unwrap_or(f64::NAN));
            }
        }
        for ((name, column), values) in FIGURES.iter().zip(&figures) {
            assert_eq!(disagreement(fixture.reals(column), values, TOLERANCE), None, "{symbol} {name}");
        }
        let (obv, exact) = (figures.last().unwrap(), fixture.reals("obv"));
        assert_eq!(obv, exact, "{symbol}");
    }
}

#[test]
fn every_vote_agrees_at_every_length_of_history() {
    for symbol in SYMBOLS {
        let fixture = Fixture::load(symbol);
        let mut cast = [[0; 3]; VOTES.len()];
        for bars in 1..=fixture.len() {
            let rating = technical(&fixture.input(bars)).rating;
            for (at, ((name, column), vote)) in VOTES.iter().zip(&rating.votes).enumerate() {
                let value = vote.vote.map_or(ABSENT, i32::from);
                assert_eq!(vote.name, *name);
                assert_eq!(value, fixture.integers(column)[bars - 1], "{symbol} {name} at {bars} bars");
                assert_eq!(vote.vote.is_none(), vote.reason.is_some());
                if let Some(vote) = vote.vote {
                    cast[at][(vote + 1) as usize] += 1;
                }
            }
        }
        // The comparison is meaningful only if votes differ.
        for ((name, _), [sell, _, buy]) in VOTES.iter().zip(cast) {
            assert!(sell > 0 && buy > 0, "{symbol} {name} never votes both ways");
        }
    }
}

#[test]
fn the_score_is_the_mean_of_the_groups_means() {
    let fixture = Fixture::load("IBM");
    for bars in [11, 60, 3_270] {
        let rating = technical(&fixture.input(bars)).rating;
        let mean = |columns: &[(&str, &str)]| {
            let votes: Vec<f64> = columns
                .iter()
                .map(|(_, column)| fixture.integers(column)[bars - 1])
                .filter(|vote| *vote != ABSENT)
                .map(f64::from)
                .collect();
            (!votes.is_empty()).then(|| votes.iter().sum::<f64>() / votes.len() as f64)
        };
        let (averages, oscillators) = (mean(&VOTES[..15]), mean(&VOTES[15..]));
        assert_eq!((rating.moving_averages, rating.oscillators), (averages, oscillators));
        let score = match (averages, oscillators) {
            (Some(a), Some(b)) => Some((a + b) / 2.0),
            (a, b) => a.or(b),
        };
        assert_eq!(rating.score, score, "{bars} bars");
        assert_eq!(rating.buy + rating.neutral + rating.sell + rating.absent, 26);
    }
}

#[test]
fn three_bars_give_reasons_and_no_bar_gives_no_panic() {
    let fixture = Fixture::load("AAPL");
    for bars in 0..=3 {
        let analysis = technical(&fixture.input(bars));
        assert_eq!(analysis.rating.score, None);
        assert_eq!(analysis.rating.absent, 26);
        assert_eq!(analysis.bars_used, bars);
        for (name, column) in FIGURES.iter().take(FIGURES.len() - 1) {
            let absence = analysis.metrics.figure(name).unwrap().absence();
            let need = 1 + fixture.reals(column).iter().position(|value| !value.is_nan()).unwrap();
            assert_eq!(absence, Some(Absence::InsufficientHistory { need, have: bars }), "{name}");
        }
    }
}
