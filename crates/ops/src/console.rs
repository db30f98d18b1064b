//! The environment, clock and streams of a command. Nothing else in this crate accesses them.

use std::io::{self, IsTerminal, Write};
use std::time::SystemTime;

use config::Environment;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use telemetry::Clock;

use crate::failure::Failure;

pub(crate) struct Console {
    environment: Environment,
    clock: Clock,
}

impl Console {
    pub(crate) fn from_process() -> Self {
        Self { environment: Environment::from_process(), clock: Clock::System }
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

    pub(crate) fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }
}
