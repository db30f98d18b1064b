//! Unusual bars: gaps, flat stretches, zero volume, equal prices, steep moves.

use domain::{Bars, Date, RawBar};
use proptest::prelude::*;

/// Moves in thousandths of the price. Zero is frequent, so that prices and ranges are flat for stretches.
fn move_in_thousandths() -> impl Strategy<Value = i32> {
    prop_oneof![3 => Just(0), 5 => -30..30_i32, 1 => -400..400_i32]
}

/// Steps of one bar: days since the last, open and close moves, reach above and below, volume.
type Step = (i32, i32, i32, u32, u32, u32);

fn step() -> impl Strategy<Value = Step> {
    let reach = || prop_oneof![2 => Just(0), 3 => 0..40_u32];
    let volume = prop_oneof![1 => Just(0), 4 => 1..1_000_000_u32];
    (1..10_i32, move_in_thousandths(), move_in_thousandths(), reach(), reach(), volume)
}

/// Up to `most` consistent bars.
pub(crate) fn bars(most: usize) -> impl Strategy<Value = Bars> {
    prop::collection::vec(step(), 0..most).prop_map(|steps| {
        let mut close = 100.0;
        let mut day = 0;
        let (bars, refused) = Bars::from_raw(steps.into_iter().map(|step| {
            let (days, opening, closing, above, below, volume) = step;
            let open = moved(close, opening);
            close = moved(open, closing);
            day += days;
            RawBar {
                date: Date::from_days(day).unwrap(),
                open,
                high: open.max(close) * (1.0 + f64::from(above) / 1_000.0),
                low: open.min(close) * (1.0 - f64::from(below) / 1_000.0),
                close,
                volume: f64::from(volume),
            }
        }));
        assert!(refused.is_empty());
        bars
    })
}

/// A price moved by thousandths, clamped to between 0.01 and 1,000,000 so that long series stay finite.
fn moved(price: f64, thousandths: i32) -> f64 {
    (price * (1.0 + f64::from(thousandths) / 1_000.0)).clamp(0.01, 1e6)
}
