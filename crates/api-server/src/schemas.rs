//! Parts of the OpenAPI document that handlers share.

mod parameters;
mod problems;

pub(crate) use parameters::*;
pub(crate) use problems::{NotModifiedOrProblems, ProblemDocument, Problems};
