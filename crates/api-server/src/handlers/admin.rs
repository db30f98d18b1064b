//! What an operator sees and does over HTTP, with a key of the role admin. Every change is recorded under that key.

pub mod audit;
pub mod dead_letter;
pub mod events;
pub mod replay;
pub mod retention;
pub mod test_signature;

mod filter;
mod operator;
mod shown;

pub use filter::FilterBody;
pub use operator::Operator;
pub use shown::{EventDetailShown, EventShown, WorkShown};
