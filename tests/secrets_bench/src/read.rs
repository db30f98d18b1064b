//! Reads of a cached secret: alternating rounds of every contender, and their medians.

use std::error::Error;
use std::sync::{Arc, Barrier};
use std::thread;

use tests::secrets_manager::FakeSecretsManager;

use crate::contenders::{self, Contender};

const READS: u32 = 500_000;
const ROUNDS: usize = 15;
const THREADS: [usize; 2] = [1, 2];
/// The project's goal for one reader.
const GOAL_NS: f64 = 60.0;

/// Measures, and prints a table of nanoseconds and of ratios to ours.
pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    let fake = FakeSecretsManager::start();
    let contenders = contenders::all(&fake)?;
    let calls = fake.calls_total();
    let processors = thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!(
        "{READS} reads a round, {ROUNDS} alternating rounds, {processors} processors, load {}",
        load.trim()
    );
    println!("\n| median ns for one read | 1 reader | 2 readers | times `load` |\n| --- | --- | --- | --- |");
    let medians = measure(&contenders);
    let [first, second] = medians[0];
    for (contender, [one, two]) in contenders.iter().zip(&medians) {
        println!("| {} | {one:.1} | {two:.1} | {:.2} / {:.2} |", contender.name, one / first, two / second);
    }
    let verdict = if first <= GOAL_NS { "reached" } else { "missed" };
    println!("\nThe goal of {GOAL_NS} ns for one reader of `load` is {verdict}.");
    assert_eq!(fake.calls_total(), calls, "every read is a hit");
    Ok(())
}

/// The median of each with one reader and with two. All run in each round, so that a slow moment affects all.
fn measure(contenders: &[Contender]) -> Vec<[f64; 2]> {
    let mut samples = vec![[const { Vec::new() }; 2]; contenders.len()];
    for _ in 0..ROUNDS {
        for (contender, samples) in contenders.iter().zip(&mut samples) {
            for (threads, samples) in THREADS.iter().zip(samples) {
                samples.push(round(contender, *threads));
            }
        }
    }
    samples.into_iter().map(|both| both.map(median)).collect()
}

/// Nanoseconds per read with so many threads.
fn round(contender: &Contender, threads: usize) -> f64 {
    let barrier = Arc::new(Barrier::new(threads));
    let started: Vec<_> = (0..threads)
        .map(|_| {
            let (read, barrier) = (contender.reader(), Arc::clone(&barrier));
            thread::spawn(move || {
                barrier.wait();
                read(READS).as_secs_f64() * 1e9 / f64::from(READS)
            })
        })
        .collect();
    let each = started.into_iter().map(|thread| thread.join().expect("a reader does not panic"));
    each.sum::<f64>() / threads as f64
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}
