//! Parts of the OpenAPI document that handlers share.

mod parameters;
mod problems;

pub(crate) use parameters::{PriceBasisName, SymbolParameter, TimeframeName, WindowParameters};
pub(crate) use problems::{NotModifiedOrProblems, ProblemDocument, Problems};
