//! What a read of a secret costs, counted and audited, beside a locked map and a cache: one run, alternating rounds,
//! medians. Compare the numbers with each other and not with another machine's.
//!
//! ```sh
//! cargo run --release -p secrets --example read_latency
//! ```

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{Arc, Barrier, RwLock};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use secrets::{Catalogue, Environment, Profile, SecretHandle, SecretValue, Secrets};

const NAME: &str = "polygon_api_key";
const READS: u32 = 1_000_000;
const ROUNDS: usize = 15;
const THREADS: [usize; 2] = [1, 2];
/// What the project promises for one reader.
const GOAL_NS: f64 = 60.0;

type Read = Box<dyn Fn() -> usize + Send>;

struct Contender {
    name: &'static str,
    reader: Box<dyn Fn() -> Read>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let secrets = secrets().await;
    let handle = secrets.handle(NAME, "example").expect("it is declared");
    let contenders = [ours(&handle), ours_in_place(&handle), locked_map(), moka_cache()];
    let processors = thread::available_parallelism().map_or(0, std::num::NonZero::get);
    println!(
        "{READS} reads a round, {ROUNDS} rounds in turn, {processors} processors; median ns for one read\n"
    );
    println!("| | 1 reader | 2 readers | times ours |\n| --- | --- | --- | --- |");
    let medians = measure(&contenders);
    for (contender, [one, two]) in contenders.iter().zip(&medians) {
        let ratio = one / medians[0][0];
        println!("| {} | {one:.1} | {two:.1} | {ratio:.1} / {:.1} |", contender.name, two / medians[0][1]);
    }
    let verdict = if medians[0][0] <= GOAL_NS { "reached" } else { "missed" };
    println!("\nThe goal of {GOAL_NS} ns for one reader is {verdict}.");
    secrets.tell_usage();
}

/// A process with one secret, a recorder and an audit sink.
async fn secrets() -> Secrets {
    let variables = [("POLYGON_API_KEY".into(), "a-key-of-an-example".into())];
    Secrets::builder(Profile::Development, Catalogue::product(), Arc::new(|| SystemTime::UNIX_EPOCH))
        .provider(Environment::new(variables))
        .recorder(Arc::new(|event| {
            black_box(event);
        }))
        .audit(Arc::new(|event| {
            black_box(event);
            Ok(())
        }))
        .build()
        .await
        .expect("one good secret")
}

fn ours(handle: &SecretHandle) -> Contender {
    let handle = handle.clone();
    let reader = move || -> Read {
        let handle = handle.clone();
        Box::new(move || handle.load().map_or(0, |set| set.value().len()))
    };
    Contender { name: "`SecretHandle::load`, counted and audited", reader: Box::new(reader) }
}

fn ours_in_place(handle: &SecretHandle) -> Contender {
    let handle = handle.clone();
    let reader = move || -> Read {
        let handle = handle.clone();
        Box::new(move || handle.with(|set| set.value().len()).unwrap_or_default())
    };
    Contender { name: "`SecretHandle::with`, counted and audited", reader: Box::new(reader) }
}

fn locked_map() -> Contender {
    let map = Arc::new(RwLock::new(HashMap::from([(NAME.to_owned(), value())])));
    let reader = move || -> Read {
        let map = Arc::clone(&map);
        Box::new(move || {
            let value = map.read().ok().and_then(|map| map.get(black_box(NAME)).cloned());
            value.map_or(0, |value| value.len())
        })
    };
    Contender { name: "`RwLock<HashMap>` and a clone of an `Arc`", reader: Box::new(reader) }
}

fn moka_cache() -> Contender {
    let cache = moka::sync::Cache::builder().max_capacity(100).time_to_live(Duration::from_secs(300)).build();
    cache.insert(NAME.to_owned(), value());
    let reader = move || -> Read {
        let cache = cache.clone();
        Box::new(move || cache.get(black_box(NAME)).map_or(0, |value| value.len()))
    };
    Contender { name: "moka, with a time to live", reader: Box::new(reader) }
}

fn value() -> SecretValue {
    SecretValue::from_slice(b"a-key-of-an-example")
}

/// The median of each contender with one reader and with two. All run in each round, so that a slow moment meets all.
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

/// Nanoseconds for one read while so many threads read.
fn round(contender: &Contender, threads: usize) -> f64 {
    let barrier = Arc::new(Barrier::new(threads));
    let started: Vec<_> = (0..threads)
        .map(|_| {
            let (read, barrier) = ((contender.reader)(), Arc::clone(&barrier));
            thread::spawn(move || {
                barrier.wait();
                let began = Instant::now();
                for _ in 0..READS {
                    black_box(read());
                }
                began.elapsed().as_secs_f64() * 1e9 / f64::from(READS)
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
