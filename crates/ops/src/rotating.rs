//! Rotations between two runs of this command: which is under way, and what comes next.

use std::time::SystemTime;

use jiff::Timestamp;
use secrets::SecretSpec;
use secrets::rotation::{Rotation, Status, Step};
use serde::Serialize;

use crate::account::Account;
use crate::console::Console;
use crate::document::{self, Form};
use crate::failure::Failure;

/// Where a rotation stands, and what comes next.
#[derive(Debug, Serialize)]
pub(crate) struct Standing {
    name: String,
    step: Option<&'static str>,
    to: Option<String>,
    from: Option<String>,
    finish_from: Option<Timestamp>,
    retire_from: Option<Timestamp>,
    is_emergency: bool,
    next: String,
}

/// The rotation of a secret that was begun on this machine.
pub(crate) fn resumed(account: &Account, spec: &SecretSpec, console: &Console) -> Result<Rotation, Failure> {
    let plan = account.state.plan(&spec.name);
    let begun = Rotation::resume(&account.manager, spec, console.clock(), &plan)?;
    begun.ok_or_else(|| {
        let plan = plan.display();
        Failure::Precondition(format!("no rotation of {} was begun here: there is no {plan}", spec.name))
    })
}

/// Several rotations.
#[derive(Serialize)]
struct Body {
    rotations: Vec<Standing>,
}

/// Answers with several.
pub(crate) fn answer(rotations: Vec<Standing>, console: &mut Console, form: Form) -> Result<(), Failure> {
    if form.json {
        return document::answer(console, "investiq.secrets.rotations.v1", &Body { rotations });
    }
    match rotations.is_empty() {
        true => console.answer("no rotation is under way\n"),
        false => console.answer(&rotations.iter().map(Standing::text).collect::<String>()),
    }
}

impl Standing {
    /// That of a rotation that is not over.
    pub(crate) fn of(spec: &SecretSpec, status: &Status) -> Self {
        Self {
            name: spec.name.to_string(),
            step: Some(word(status.step)),
            to: Some(status.to.as_str().to_owned()),
            from: Some(status.from.as_str().to_owned()),
            finish_from: status.finish_from.and_then(timestamp),
            retire_from: status.retire_from.and_then(timestamp),
            is_emergency: status.is_emergency,
            next: next(spec, status),
        }
    }

    /// That of a secret of which no rotation was begun here, and what is to be said of it.
    pub(crate) fn without_plan(spec: &SecretSpec, next: impl Into<String>) -> Self {
        let (step, to, from, finish_from, retire_from) = (None, None, None, None, None);
        let name = spec.name.to_string();
        Self { name, step, to, from, finish_from, retire_from, is_emergency: false, next: next.into() }
    }

    /// Answers with it.
    pub(crate) fn answer(&self, console: &mut Console, form: Form) -> Result<(), Failure> {
        if form.json {
            return document::answer(console, "investiq.secrets.rotation.v1", self);
        }
        console.answer(&self.text())
    }

    /// One line for a person.
    fn text(&self) -> String {
        let Self { name, step, next, .. } = self;
        format!("{name}: {}; {next}\n", step.unwrap_or("no rotation under way here"))
    }
}

fn word(step: Step) -> &'static str {
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
    let at = |time: Option<SystemTime>| time.and_then(timestamp).map(|at| format!(" from {at} on"));
    match status.step {
        Step::Planned | Step::Created | Step::Promoting => format!("next: investiq secrets resume {name}"),
        Step::Announced => {
            let from = at(status.finish_from).unwrap_or_default();
            format!(
                "every process learns to accept the new value; next{from}: investiq secrets resume {name}"
            )
        }
        Step::Promoted => match at(status.retire_from) {
            Some(from) => {
                format!("the value before is accepted; next{from}: investiq secrets retire {name} --unused")
            }
            None => format!(
                "the value before is kept; when all is encrypted anew: investiq secrets retire {name} --reencrypted"
            ),
        },
        Step::RollingBack => format!("next: investiq secrets rollback {name}"),
    }
}

fn timestamp(at: SystemTime) -> Option<Timestamp> {
    Timestamp::try_from(at).ok()
}
