//! The environment, clock and streams of a command. Nothing else in this crate accesses them.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::time::SystemTime;

use config::Environment;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use telemetry::Clock;

use crate::failure::Failure;

/// Longest answer to a question.
const ANSWER_BYTES_MAX: u64 = 1024;

pub(crate) struct Console {
    environment: Environment,
    clock: Clock,
}

impl Console {
    pub(crate) fn from_process() -> Self {
        Self { environment: Environment::from_process(), clock: Clock::System }
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
        Self { environment, clock: self.clock }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }
}
