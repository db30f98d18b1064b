//! Work in the background: each piece has a name, a bound, and ends when the service drains.

mod alpaca_events;
mod board;
mod business;
mod crew;
mod database_checks;
mod events;
mod health_checks;
mod marks;
mod office;
mod retention;
mod roster;
mod secret_checks;

pub use alpaca_events::{Inflow, read as read_stream, watch as watch_streams};
pub use board::{Board, Check, Importance, Outcome, Reading};
pub use business::run as compute_business;
pub use crew::Crew;
pub use database_checks::{DATABASE_SILENCE_MAX, run as check_database};
pub use events::{Caution, EVENTS_SILENCE_MAX, Events, run as apply_events};
pub use health_checks::spawn as spawn_health_checks;
pub use marks::{mark_tokens, run as mark_prices};
pub use office::Office;
pub use retention::run as remove_bodies;
pub use roster::{Fallen, Heart, Pulse, Roster, Sign};
pub use secret_checks::run as check_secrets;
