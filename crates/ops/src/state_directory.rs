//! What is kept between two runs of this command: rotation plans, and the log of changes in AWS. It contains no value.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use secrets::{AuditSink, SecretName};

use crate::change_log;
use crate::console::Console;
use crate::failure::Failure;

const DIRECTORY_MODE: u32 = 0o700;
const PLAN_SUFFIX: &str = ".plan";
const CHANGE_LOG: &str = "audit.jsonl";

#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct StateArguments {
    /// Directory of rotation plans and the change log [default: $XDG_STATE_HOME/investiq or ~/.local/state/investiq]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

#[derive(Clone, Debug)]
pub(crate) struct StateDirectory(PathBuf);

impl StateArguments {
    /// Creates the directory if it does not exist.
    pub(crate) fn open(&self, console: &Console) -> Result<StateDirectory, Failure> {
        let path = self.path(console)?;
        let created = DirBuilder::new().mode(DIRECTORY_MODE).recursive(true).create(&path);
        created.map_err(Failure::file("create", &path))?;
        Ok(StateDirectory(path))
    }

    fn path(&self, console: &Console) -> Result<PathBuf, Failure> {
        let variable = |name: &str| console.environment().get(name).map(PathBuf::from);
        let base =
            || variable("XDG_STATE_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/state")));
        let path = self.state.clone().or_else(|| base().map(|base| base.join("investiq")));
        path.ok_or_else(|| Failure::Precondition("HOME is not set; name a directory with --state".to_owned()))
    }
}

impl StateDirectory {
    /// The path of a secret's rotation plan, whether it exists or not.
    pub(crate) fn plan(&self, name: &SecretName) -> PathBuf {
        self.0.join(format!("{name}{PLAN_SUFFIX}"))
    }

    pub(crate) fn change_log(&self) -> PathBuf {
        self.0.join(CHANGE_LOG)
    }

    /// Writes the change log. A change that cannot be logged is not made.
    pub(crate) fn audit(&self, clock: secrets::Clock) -> Result<AuditSink, Failure> {
        change_log::sink(self.change_log(), clock)
    }
}
