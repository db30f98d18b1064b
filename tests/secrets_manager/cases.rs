//! Every case: a sentence and what shows it. Each is handed a name that no other case uses.

mod batch;
mod creation;
mod deletion;
mod labels;
mod listing;
mod protocol;
mod reading;
mod replacing;
mod tags;
mod versions;

use crate::backend::{Backend, Outcome};

/// A sentence, and what shows it of a backend with a fresh secret's name.
pub(crate) type Case = (&'static str, fn(&Backend, &str) -> Outcome);

pub(crate) fn all() -> Vec<Case> {
    let groups: [&[Case]; 10] = [
        creation::CASES,
        reading::CASES,
        replacing::CASES,
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
