//! The endpoints for operators. Each requires its scope, and records every change under the API key.

pub(crate) mod audit;
pub(crate) mod customers;
pub(crate) mod dead_letter;
pub(crate) mod events;
pub(crate) mod journals;
pub(crate) mod keys;
pub(crate) mod reconciliations;
pub(crate) mod replay;
pub(crate) mod retention;
pub(crate) mod reviews;
pub(crate) mod test_signature;

mod filter;
mod idempotency_key;
mod operator;
mod responses;

use operator::Operator;
