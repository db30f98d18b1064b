//! Parts of the API's description that handlers share.

mod parameters;
mod problems;

pub(crate) use parameters::{PriceBasisName, SymbolParameter, TimeframeName, WindowParameters};
pub(crate) use problems::{ProblemDocument, Problems};
