//! The state of a rotation between two runs of this command, and the next step.

use std::time::SystemTime;

use jiff::Timestamp;
use secrets::SecretSpec;
use secrets::rotation::{Rotation, Status, Step};
use serde::Serialize;

use crate::aws_account::AwsAccount;
use crate::console::Console;
use crate::failure::Failure;
use crate::output::OutputFormat;

#[derive(Debug, Serialize)]
pub(crate) struct RotationStatus {
    name: String,
    step: Option<&'static str>,
    to: Option<String>,
    from: Option<String>,
    finish_from: Option<Timestamp>,
    retire_from: Option<Timestamp>,
    is_emergency: bool,
    next: String,
}

#[derive(Serialize)]
struct Body {
    rotations: Vec<RotationStatus>,
}

/// The rotation of a secret that was started with this state directory.
pub(crate) fn resume(
    account: &AwsAccount,
    spec: &SecretSpec,
    console: &Console,
) -> Result<Rotation, Failure> {
    let plan = account.state.plan(&spec.name);
    let rotation = Rotation::resume(&account.manager, spec, console.clock(), &plan)?;
    rotation.ok_or_else(|| {
        let plan = plan.display();
        Failure::Precondition(format!("no rotation of {} was started here: {plan} does not exist", spec.name))
    })
}

pub(crate) fn print_all(
    rotations: Vec<RotationStatus>,
    console: &mut Console,
    output: OutputFormat,
) -> Result<(), Failure> {
    output.print(console, "investiq.secrets.rotations.v1", &Body { rotations }, |Body { rotations }| {
        match rotations.is_empty() {
            true => "no rotation is in progress\n".to_owned(),
            false => rotations.iter().map(RotationStatus::text).collect(),
        }
    })
}

impl RotationStatus {
    /// The status of a rotation with a plan in the state directory.
    pub(crate) fn planned(spec: &SecretSpec, status: &Status) -> Self {
        Self {
            name: spec.name.to_string(),
            step: Some(step_name(status.step)),
            to: Some(status.to.as_str().to_owned()),
            from: Some(status.from.as_str().to_owned()),
            finish_from: status.finish_from.and_then(timestamp),
            retire_from: status.retire_from.and_then(timestamp),
            is_emergency: status.is_emergency,
            next: next(spec, status),
        }
    }

    /// The status of a secret without a plan in the state directory.
    pub(crate) fn without_plan(spec: &SecretSpec, next: impl Into<String>) -> Self {
        let (step, to, from, finish_from, retire_from) = (None, None, None, None, None);
        let name = spec.name.to_string();
        Self { name, step, to, from, finish_from, retire_from, is_emergency: false, next: next.into() }
    }

    pub(crate) fn print(&self, console: &mut Console, output: OutputFormat) -> Result<(), Failure> {
        output.print(console, "investiq.secrets.rotation.v1", self, Self::text)
    }

    fn text(&self) -> String {
        let Self { name, step, next, .. } = self;
        format!("{name}: {}; {next}\n", step.unwrap_or("no rotation in progress here"))
    }
}

fn step_name(step: Step) -> &'static str {
    match step {
        Step::Planned => "planned",
        Step::Created => "created",
        Step::Announced => "announced",
        Step::Promoting => "promoting",
        Step::Promoted => "promoted",
        Step::RollingBack => "rolling back",
    }
}

fn next(spec: &SecretSpec, status: &Status) -> String {
    let name = &spec.name;
    let after = |time: Option<SystemTime>| time.and_then(timestamp).map(|at| format!(", after {at}"));
    match status.step {
        Step::Planned | Step::Created | Step::Promoting => format!("next: investiq secrets resume {name}"),
        Step::Announced => {
            let after = after(status.finish_from).unwrap_or_default();
            format!(
                "processes are starting to accept the new value; next{after}: investiq secrets resume {name}"
            )
        }
        Step::Promoted => match after(status.retire_from) {
            Some(after) => format!(
                "the previous value is still accepted; next{after}: investiq secrets retire {name} --unused"
            ),
            None => format!(
                "the new value contains the older keys; next: investiq secrets retire {name} --unused"
            ),
        },
        Step::RollingBack => format!("next: investiq secrets rollback {name}"),
    }
}

fn timestamp(at: SystemTime) -> Option<Timestamp> {
    Timestamp::try_from(at).ok()
}
