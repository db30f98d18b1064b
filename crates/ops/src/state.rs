//! What this command remembers between two runs: plans of rotations, and the record of every change. No value is in it.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use secrets::{AuditSink, SecretName};

use crate::console::Console;
use crate::failure::Failure;
use crate::record;

const DIRECTORY_MODE: u32 = 0o700;
/// What a plan's file name ends with.
const PLAN_SUFFIX: &str = ".plan";
/// The record's file name.
const RECORD: &str = "audit.jsonl";

#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct StateArguments {
    /// Where plans of rotations and the record of changes lie; without it $XDG_STATE_HOME/investiq or
    /// ~/.local/state/investiq
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

/// The directory of plans and records.
#[derive(Clone, Debug)]
pub(crate) struct State(PathBuf);

impl StateArguments {
    /// The directory, made if there is none.
    pub(crate) fn open(&self, console: &Console) -> Result<State, Failure> {
        let path = self.path(console)?;
        let made = DirBuilder::new().mode(DIRECTORY_MODE).recursive(true).create(&path);
        made.map_err(Failure::file("making", &path))?;
        Ok(State(path))
    }

    fn path(&self, console: &Console) -> Result<PathBuf, Failure> {
        let of = |variable: &str| console.environment().get(variable).map(PathBuf::from);
        let named = || of("XDG_STATE_HOME").or_else(|| of("HOME").map(|home| home.join(".local/state")));
        let path = self.state.clone().or_else(|| named().map(|state| state.join("investiq")));
        path.ok_or_else(|| {
            Failure::Precondition("there is no HOME: name a directory with --state".to_owned())
        })
    }
}

impl State {
    /// Where the plan of a secret's rotation lies, if there is one.
    pub(crate) fn plan(&self, name: &SecretName) -> PathBuf {
        self.0.join(format!("{name}{PLAN_SUFFIX}"))
    }

    /// Where the record lies.
    pub(crate) fn record(&self) -> PathBuf {
        self.0.join(RECORD)
    }

    /// Who keeps the record. A change that it cannot keep is not made.
    pub(crate) fn audit(&self, clock: secrets::Clock) -> Result<AuditSink, Failure> {
        record::sink(self.record(), clock)
    }
}
