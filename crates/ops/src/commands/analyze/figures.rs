//! Figures with their labels, in columns; a figure that is absent shows a dash, and its reason stands elsewhere.

use analysis::{Absence, Figure};

use super::layout::{Layout, Tone, width};

/// Columns between two cells.
const GAP: usize = 3;

/// How a number is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unit {
    /// An amount for one share.
    Price,
    Number,
    /// A fraction, as a percentage.
    Percent,
    /// A fraction that is a gain or a loss.
    Change,
}

/// A figure with its label.
pub(super) struct Item {
    label: String,
    outcome: Result<(String, Tone), Absence>,
}

impl Item {
    pub(super) fn new(label: &str, figure: Option<&Figure>, unit: Unit) -> Self {
        let outcome = figure.map_or(Err(Absence::Missing { what: "value" }), Figure::outcome);
        Self { label: label.to_owned(), outcome: outcome.map(|value| (unit.text(value), unit.tone(value))) }
    }

    pub(super) fn text(label: &str, outcome: Result<String, Absence>) -> Self {
        Self { label: label.to_owned(), outcome: outcome.map(|text| (text, Tone::Plain)) }
    }

    pub(super) fn absence(&self) -> Option<(&str, Absence)> {
        self.outcome.as_ref().err().map(|absence| (self.label.as_str(), *absence))
    }
}

impl Unit {
    pub(super) fn text(self, value: f64) -> String {
        match self {
            Self::Price => price(value),
            Self::Number => format!("{value:.2}"),
            Self::Percent => format!("{:.1} %", value * 100.0),
            Self::Change => format!("{:+.1} %", value * 100.0),
        }
    }

    fn tone(self, value: f64) -> Tone {
        match self {
            Self::Change => Tone::of(value),
            Self::Price | Self::Number | Self::Percent => Tone::Plain,
        }
    }
}

/// Two decimals; more for a price below 1, so that four digits count.
pub(super) fn price(value: f64) -> String {
    const DECIMALS_MAX: i32 = 10;
    let decimals = match value.abs() {
        size if size > 0.0 && size < 1.0 => (3 - size.log10().floor() as i32).min(DECIMALS_MAX),
        _ => 2,
    };
    format!("{value:.*}", decimals.unsigned_abs() as usize)
}

/// Items row by row, in as many columns as fit.
pub(super) fn grid(items: &[Item], layout: &Layout) -> String {
    let none = layout.glyphs.none.to_string();
    let value = |item: &Item| item.outcome.clone().unwrap_or_else(|_| (none.clone(), Tone::Faint));
    let widest = |widths: &mut dyn Iterator<Item = usize>| widths.max().unwrap_or_default();
    let label_width = widest(&mut items.iter().map(|item| width(&item.label)));
    let value_width = widest(&mut items.iter().map(|item| width(&value(item).0)));
    let cell_width = label_width + 2 + value_width;
    let in_row = ((layout.columns - 2 + GAP) / (cell_width + GAP)).max(1);
    let cell = |item: &Item| {
        let (text, tone) = value(item);
        let padded = format!("{text:>value_width$}");
        format!("{:<label_width$}  {}", item.label, layout.paint(tone, &padded))
    };
    let row =
        |items: &[Item]| format!("  {}\n", items.iter().map(cell).collect::<Vec<_>>().join(&" ".repeat(GAP)));
    items.chunks(in_row).map(row).collect()
}
