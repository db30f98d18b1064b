//! What an operator sees and does over HTTP, with an API key of the role admin. Every change is recorded under that key.

pub(crate) mod audit;
pub(crate) mod dead_letter;
pub(crate) mod events;
pub(crate) mod replay;
pub(crate) mod retention;
pub(crate) mod test_signature;

mod filter;
mod operator;
mod responses;

use operator::Operator;
