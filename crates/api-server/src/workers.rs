//! Work in the background: each piece has a name, a bound, and ends when the service drains.

mod board;
mod crew;
mod database_checks;
mod events;
mod health_checks;
mod secret_checks;

pub use board::{Board, Check, Importance, Outcome, Reading};
pub use crew::Crew;
pub use database_checks::run as check_database;
pub use events::{Events, run as apply_events};
pub use health_checks::spawn as spawn_health_checks;
pub use secret_checks::run as check_secrets;
