//! Kills the server at random moments under load, many times, and prints what was seen: `tests/kill`.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is the failure to report")]
#![expect(clippy::print_stdout, reason = "the tally is what this program is for")]

mod campaign;

use campaign::{Backend, Tally, run};

/// Kills of each backend when nothing is said.
const KILLS: usize = 200;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number =
        |default: u64| arguments.next().map_or(default, |text| text.parse().expect("a whole number"));
    let kills = usize::try_from(number(KILLS as u64)).unwrap();
    let seed = number(1);
    println!("kill -9 at 0 to 350 ms after the server listens, under load of 16 connections; seed {seed}\n");
    let only = std::env::args().nth(3);
    let is_wanted =
        |backend: &Backend| only.as_ref().is_none_or(|only| *only == format!("{backend:?}").to_lowercase());
    for backend in [Backend::Sqlite, Backend::Postgres].into_iter().filter(is_wanted) {
        print(backend, &run(backend, kills, seed, |tally| eprint!("\r{} kills ", tally.kills)));
    }
}

fn print(backend: Backend, tally: &Tally) {
    let Tally {
        kills,
        sent,
        acknowledged,
        cut_requests,
        left_work,
        left_leases,
        kept_untold,
        audit_entries,
        took,
    } = tally;
    println!("{backend:?}: {kills} kills in {} s", took.as_secs());
    println!("  {sent} deliveries sent, {acknowledged} events acknowledged: all kept, each applied once");
    println!(
        "  {cut_requests} kills cut requests under way; {kept_untold} events were kept and their sender never told"
    );
    println!("  {left_work} kills left events to apply, {left_leases} left some in the hands of a worker");
    println!(
        "  after each restart: books balanced, `investiq audit verify` passed; {audit_entries} entries in the end\n"
    );
}
