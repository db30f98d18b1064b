//! Kills the server at random moments under load, many times, and prints a tally: `tools/kill`.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is the failure to report")]
#![expect(clippy::print_stdout, reason = "the program prints its tally")]

mod campaign;

use campaign::{Backend, Tally, run};

/// Of each backend, by default.
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
    for backend in [Backend::Sqlite, Backend::Postgres, Backend::Pgbouncer].into_iter().filter(is_wanted) {
        print(backend, &run(backend, kills, seed, |tally| eprint!("\r{} kills ", tally.kills)));
    }
}

fn print(backend: Backend, tally: &Tally) {
    let Tally {
        kills,
        deliveries,
        acknowledged,
        cut_requests,
        left_jobs,
        left_leases,
        stored_unacknowledged,
        audit_entries,
        elapsed,
    } = tally;
    println!("{backend:?}: {kills} kills in {} s", elapsed.as_secs());
    println!(
        "  {deliveries} deliveries sent, {acknowledged} events acknowledged: all stored, each applied once"
    );
    println!(
        "  {cut_requests} kills cut requests in flight; {stored_unacknowledged} events were stored and not acknowledged"
    );
    println!("  {left_jobs} kills left jobs to do, {left_leases} left leased ones");
    println!(
        "  after each restart: ledger balanced, `investiq audit verify` passed; {audit_entries} entries in the end\n"
    );
}
