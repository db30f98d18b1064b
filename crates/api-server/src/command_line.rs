//! The arguments of the program. Without any it starts the server.

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use config::Environment;
use config::check::{self, Report};
use config::start::{self, Connect};

#[derive(Debug, Parser)]
#[command(
    name = "api-server",
    version,
    about = "The InvestIQ API server. Without a command, it starts the server",
    after_help = "Settings come from the environment and from configs/config.yaml; docs/API.md lists them.\n\n\
                  Exit codes: 0 success, 1 failure, 2 invalid arguments"
)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check whether a running server is alive; exit with 0 if it is, with 1 if not
    Healthcheck {
        /// URL to request [default: /livez at the configured address]
        #[arg(long, value_name = "URL")]
        url: Option<reqwest::Url>,
    },
    /// Check the settings and secrets as a start does, without one; exit with 1 on errors
    CheckConfig,
}

/// Prints what a start in this environment would find.
pub(crate) fn check_config() -> ExitCode {
    let (environment, dotenv) = match config::with_dotenv(Environment::from_process()) {
        Ok(environment) => environment,
        Err(error) => {
            eprintln!("{}", telemetry::with_causes(&error));
            return ExitCode::FAILURE;
        }
    };
    dotenv.iter().for_each(|message| eprintln!("{message}"));
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("api-server cannot check: {error}");
            return ExitCode::FAILURE;
        }
    };
    let checked = runtime.block_on(start::check(&environment, Connect::ToFiles));
    let findings = checked.findings(check::advice(&environment));
    let report = Report::new(config::profile(&environment), findings);
    // The exit code says the same to a caller that closed the stream.
    drop(write!(std::io::stdout(), "{report}"));
    if report.passes(false) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
