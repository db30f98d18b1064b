//! Every case: a sentence and its check. Each gets a secret name that no other case uses.

mod batch;
mod creation;
mod deletion;
mod get;
mod labels;
mod listing;
mod protocol;
mod put;
mod tags;
mod versions;

use crate::manager::backend::{Backend, Outcome};

pub(crate) type Case = (&'static str, fn(&Backend, &str) -> Outcome);

pub(crate) fn all() -> Vec<Case> {
    let groups: [&[Case]; 10] = [
        creation::CASES,
        get::CASES,
        put::CASES,
        labels::CASES,
        versions::CASES,
        batch::CASES,
        listing::CASES,
        deletion::CASES,
        tags::CASES,
        protocol::CASES,
    ];
    groups.concat()
}
