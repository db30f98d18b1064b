//! What a command is handed: environment, clock and streams. Nothing else in this crate reaches for them.

use std::io::{self, IsTerminal, Write};
use std::time::SystemTime;

use config::Environment;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use telemetry::Clock;

use crate::failure::Failure;

/// A command's view of the world.
pub(crate) struct Console {
    environment: Environment,
    clock: Clock,
}

impl Console {
    /// That of this process.
    pub(crate) fn of_process() -> Self {
        Self { environment: Environment::from_process(), clock: Clock::System }
    }

    /// The variables.
    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The time now.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The clock in the form in which crates/secrets takes it.
    pub(crate) fn clock(&self) -> secrets::Clock {
        let clock = self.clock;
        std::sync::Arc::new(move || SystemTime::from(clock.now()))
    }

    /// Writes the command's answer. A reader that has seen enough, such as `head`, is no failure.
    pub(crate) fn answer(&mut self, text: &str) -> Result<(), Failure> {
        self.answer_bytes(text.as_bytes())
    }

    /// The same with bytes that may be no text.
    pub(crate) fn answer_bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match io::stdout().write_all(bytes).and_then(|()| io::stdout().flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(Failure::Output),
        }
    }

    /// Says something beside the answer: progress, or what to do next.
    pub(crate) fn say(&mut self, text: &str) {
        // Nobody may be listening, and then there is nobody to tell that.
        drop(writeln!(io::stderr(), "{text}"));
    }

    /// Says how far a long piece of work is.
    pub(crate) fn progress(&mut self, done: usize, of: usize, what: &str) {
        let width = of.to_string().len();
        self.say(&format!("[{done:>width$}/{of}] {what}"));
    }

    /// Shows how far a long piece of work is, to a person on a terminal and to nobody else.
    pub(crate) fn bar(&self, steps: u64, what: &'static str) -> ProgressBar {
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}");
        let bar = ProgressBar::new(steps).with_message(what);
        match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }

    /// Says why a command did not do what was asked.
    pub(crate) fn tell_failure(&mut self, failure: &Failure) {
        self.say(&format!("investiq: {failure}"));
    }

    /// Whether a person reads the answer.
    pub(crate) fn is_watched(&self) -> bool {
        io::stdout().is_terminal()
    }
}
