//! The environment, clock and streams of a command, which nothing else in this crate accesses, and the databases that it opened.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use config::Environment;
use console::Term;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use store::Store;
use telemetry::Clock;

use crate::failure::Failure;

/// Longest answer to a question.
const ANSWER_BYTES_MAX: u64 = 1024;

pub(crate) struct Console {
    environment: Environment,
    clock: Clock,
    stores: Mutex<Vec<Store>>,
}

impl Console {
    pub(crate) fn from_process() -> Self {
        Self { environment: Environment::from_process(), clock: Clock::System, stores: Mutex::default() }
    }

    /// Notes a store to be closed at the end of the command, however it ends.
    pub(crate) fn close_at_end(&self, store: &Store) {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner).push(store.clone());
    }

    /// Closes the stores. An SQLite database that is not closed keeps its log beside it.
    pub(crate) async fn close(self) {
        for store in self.stores.into_inner().unwrap_or_else(PoisonError::into_inner) {
            store.close().await;
        }
    }

    /// Adds the variables of `.env` that the server reads with these variables; returns what became of the file.
    pub(crate) fn read_dotenv(&mut self, environment: Environment) -> Result<Option<String>, Failure> {
        let failed = |error| Failure::Precondition(telemetry::with_causes(&error));
        let (environment, message) = config::with_dotenv(environment).map_err(failed)?;
        self.environment = environment;
        Ok(message)
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The clock in the form that crates/market-data takes.
    pub(crate) fn clock_ms(&self) -> market_data::Clock {
        let clock = self.clock;
        std::sync::Arc::new(move || clock.now().as_millisecond())
    }

    /// The clock in the form that crates/secrets takes.
    pub(crate) fn clock(&self) -> secrets::Clock {
        let clock = self.clock;
        std::sync::Arc::new(move || SystemTime::from(clock.now()))
    }

    /// Writes the result to standard output. A reader that closes the pipe early, such as `head`, is no failure.
    pub(crate) fn print(&mut self, text: &str) -> Result<(), Failure> {
        self.print_bytes(text.as_bytes())
    }

    /// Like `print`, for bytes that may not be text.
    pub(crate) fn print_bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match io::stdout().write_all(bytes).and_then(|()| io::stdout().flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result.map_err(Failure::Output),
        }
    }

    /// Writes a line to standard error: progress, a warning, or what to do next.
    pub(crate) fn eprint(&mut self, text: &str) {
        // If standard error is closed, there is nowhere to report that.
        drop(writeln!(io::stderr(), "{text}"));
    }

    pub(crate) fn progress(&mut self, step: usize, total: usize, what: &str) {
        let width = total.to_string().len();
        self.eprint(&format!("[{step:>width$}/{total}] {what}"));
    }

    /// A progress bar, visible only on a terminal.
    pub(crate) fn progress_bar(&self, steps: u64, what: &'static str) -> ProgressBar {
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}");
        let bar = ProgressBar::new(steps).with_message(what);
        match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }

    /// Whether there is a person to ask.
    pub(crate) fn can_ask(&self) -> bool {
        io::stdin().is_terminal()
    }

    /// The answer to a question on a terminal; `None` without a terminal, or if the answer is empty.
    pub(crate) fn ask(&mut self, question: &str) -> Option<String> {
        let mut answer = String::new();
        if self.can_ask() {
            drop(write!(io::stderr(), "{question}: "));
            io::stdin().lock().take(ANSWER_BYTES_MAX).read_line(&mut answer).ok()?;
        }
        Some(answer.trim().to_owned()).filter(|answer| !answer.is_empty())
    }

    /// The same console with other variables.
    pub(crate) fn with_environment(&self, environment: Environment) -> Self {
        Self { environment, clock: self.clock, stores: Mutex::default() }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// The width of a line of standard output: `COLUMNS`, else that of the terminal.
    pub(crate) fn columns(&self) -> Option<usize> {
        let columns = self.environment.get("COLUMNS").and_then(|columns| columns.parse().ok());
        columns.or_else(|| Term::stdout().size_checked().map(|(_, columns)| usize::from(columns)))
    }

    /// Whether standard output shows colours: <https://no-color.org>.
    pub(crate) fn has_colours(&self) -> bool {
        let refused = self.environment.get("NO_COLOR").is_some_and(|value| !value.is_empty());
        self.is_terminal() && !refused && self.environment.get("TERM") != Some("dumb")
    }

    /// Whether the locale's letters are UTF-8.
    pub(crate) fn is_utf8(&self) -> bool {
        let names = ["LC_ALL", "LC_CTYPE", "LANG"];
        let values = names.into_iter().filter_map(|name| self.environment.get(name));
        let locale = values.into_iter().find(|value| !value.is_empty()).unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        locale.ends_with("utf-8") || locale.ends_with("utf8")
    }
}
