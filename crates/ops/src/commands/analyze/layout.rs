//! How text is laid out for the terminal: its width, its letters and its colours.

use console::Style;

use crate::console::Console;

/// Wider lines are hard to read.
const COLUMNS_MAX: usize = 100;
/// For a pipe or a file.
const COLUMNS_DEFAULT: usize = 80;
const COLUMNS_MIN: usize = 48;

pub(super) struct Layout {
    pub(super) columns: usize,
    pub(super) glyphs: &'static Glyphs,
    is_utf8: bool,
    has_colours: bool,
}

/// What lines are drawn with.
pub(super) struct Glyphs {
    /// Heights of a column within a line of a chart, from empty to full.
    pub(super) heights: &'static [char],
    /// A full cell of a bar, and half a cell on the side of its axis: to the left of it, and to the right.
    pub(super) full: char,
    pub(super) half_left: Option<char>,
    pub(super) half_right: Option<char>,
    pub(super) axis: char,
    pub(super) line: char,
    pub(super) marker: char,
    pub(super) none: char,
}

const UNICODE: Glyphs = Glyphs {
    heights: &[' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
    full: '█',
    half_left: Some('▐'),
    half_right: Some('▌'),
    axis: '│',
    line: '─',
    marker: '●',
    none: '–',
};

const ASCII: Glyphs = Glyphs {
    heights: &[' ', '.', ':', '#'],
    full: '#',
    half_left: None,
    half_right: None,
    axis: '|',
    line: '-',
    marker: 'o',
    none: '-',
};

/// What a colour stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Heading,
    Plain,
    Faint,
    Good,
    Bad,
    Caution,
}

impl Tone {
    pub(super) fn of(value: f64) -> Self {
        match value {
            value if value > 0.0 => Self::Good,
            value if value < 0.0 => Self::Bad,
            _ => Self::Plain,
        }
    }
}

impl Layout {
    pub(super) fn of(console: &Console) -> Self {
        let is_utf8 = console.is_utf8();
        Self {
            columns: console.columns().unwrap_or(COLUMNS_DEFAULT).clamp(COLUMNS_MIN, COLUMNS_MAX),
            glyphs: if is_utf8 { &UNICODE } else { &ASCII },
            is_utf8,
            has_colours: console.has_colours(),
        }
    }

    /// Text in the colour of its meaning. Pad it first: a colour has letters that take no column.
    pub(super) fn paint(&self, tone: Tone, text: &str) -> String {
        let style = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Heading => Style::new().bold(),
            Tone::Faint => Style::new().dim(),
            Tone::Good => Style::new().green(),
            Tone::Bad => Style::new().red(),
            Tone::Caution => Style::new().yellow(),
        };
        style.force_styling(self.has_colours).apply_to(text).to_string()
    }

    /// Text in lines of the layout's width, each indented by two columns, and those after the first by `hanging` more.
    pub(super) fn paragraph(&self, tone: Tone, hanging: usize, text: &str) -> String {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            let indent = 2 + if lines.is_empty() { 0 } else { hanging };
            match lines.last_mut() {
                Some(line) if width(line) + 1 + width(word) <= self.columns => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(format!("{:indent$}{word}", "")),
            }
        }
        lines.iter().map(|line| self.paint(tone, line) + "\n").collect()
    }

    /// Text without letters that the terminal cannot show.
    pub(super) fn printable(&self, text: &str) -> String {
        match self.is_utf8 {
            true => text.to_owned(),
            false => text.chars().map(|letter| if letter.is_ascii() { letter } else { '?' }).collect(),
        }
    }
}

/// Columns that text without colours takes.
pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

/// Text of a file or a vendor, without letters that control a terminal.
pub(super) fn foreign(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}
