//! Charts made of letters: a price, a score on its scale, and a bar to the left or right of an axis.

use super::layout::{Layout, Tone};

/// Lines of the price.
const LINES: usize = 4;

/// A price over time, oldest first, in lines of `columns` letters.
pub(super) fn price(closes: &[f64], columns: usize, layout: &Layout) -> [String; LINES] {
    let heights = layout.glyphs.heights;
    // A column that is not empty has at least the lowest height.
    let steps = (heights.len() - 1) * LINES;
    let (lowest, highest) = range(closes);
    let step = |value: f64| match highest > lowest {
        true => 1 + ((value - lowest) / (highest - lowest) * (steps - 1) as f64).round() as usize,
        false => steps / 2,
    };
    let steps: Vec<usize> = means(closes, columns).into_iter().map(step).collect();
    let glyph = |step: usize, line: usize| {
        let below = (LINES - 1 - line) * (heights.len() - 1);
        heights[step.saturating_sub(below).min(heights.len() - 1)]
    };
    std::array::from_fn(|line| steps.iter().map(|step| glyph(*step, line)).collect())
}

/// The lowest and the highest value.
pub(super) fn range(values: &[f64]) -> (f64, f64) {
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    (lowest, values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

/// Means of at most `columns` parts of equal length.
fn means(values: &[f64], columns: usize) -> Vec<f64> {
    let columns = columns.min(values.len());
    let part = |at: usize| &values[at * values.len() / columns..(at + 1) * values.len() / columns];
    (0..columns).map(part).map(|part| part.iter().sum::<f64>() / part.len() as f64).collect()
}

/// A score from -1 to 1 on its scale.
pub(super) fn scale(score: f64, columns: usize, layout: &Layout) -> String {
    let glyphs = layout.glyphs;
    let last = columns.saturating_sub(1);
    let at = ((score.clamp(-1.0, 1.0) + 1.0) / 2.0 * last as f64).round() as usize;
    let glyph = |column: usize| match column {
        column if column == at => layout.paint(Tone::of(score), &glyphs.marker.to_string()),
        column if column == last / 2 => glyphs.axis.to_string(),
        _ => glyphs.line.to_string(),
    };
    (0..columns).map(glyph).collect()
}

/// A bar to the left of an axis for a negative value, and to the right for a positive one. `largest` fills `half` columns.
pub(super) fn bar(value: f64, largest: f64, half: usize, layout: &Layout) -> String {
    let glyphs = layout.glyphs;
    let share = if largest > 0.0 { (value.abs() / largest).min(1.0) } else { 0.0 };
    let halves = (share * (2 * half) as f64).round() as usize;
    let end = if value < 0.0 { glyphs.half_left } else { glyphs.half_right };
    let (full, end) = match end {
        Some(end) => (halves / 2, if halves % 2 == 1 { end.to_string() } else { String::new() }),
        None => (halves.div_ceil(2), String::new()),
    };
    let cells = glyphs.full.to_string().repeat(full);
    let (left, right) = match value < 0.0 {
        true => (format!("{end}{cells}"), String::new()),
        false => (String::new(), format!("{cells}{end}")),
    };
    let (left, right) = (format!("{left:>half$}"), format!("{right:<half$}"));
    let tone = Tone::of(value);
    format!("{}{}{}", layout.paint(tone, &left), glyphs.axis, layout.paint(tone, &right))
}
