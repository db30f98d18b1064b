//! Floods the server in three ways, for minutes, and prints how honest clients fared: `tools/flood`.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is the failure to report")]
#![expect(clippy::print_stdout, reason = "the program prints its figures")]

mod closed_windows;
mod heavy_requests;
mod honest_clients;
mod silent_readers;

use std::path::PathBuf;
use std::time::Duration;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map_or(60, |text| text.parse().expect("a number of seconds"));
    let parent = arguments.next().map(PathBuf::from);
    let duration = Duration::from_secs(seconds);

    let report = silent_readers::run(duration);
    println!("{} silent clients of 30 addresses, {seconds} s", report.silent);
    print("  probes", report.failed_probes, report.probes);
    print("  requests of ten clients", report.failed_requests, report.requests);
    println!("  memory: at most {} KiB more, {} KiB after it", report.grown_kib, report.left_kib);

    let report = closed_windows::run(2 * duration);
    println!("one key, HTTP/2 windows of 0, {} s: {} requests", 2 * seconds, report.requests);
    println!("  memory: at most {} KiB more, {} KiB after it", report.grown_kib, report.left_kib);

    let programs = [Some(("this server", tests::binary("api-server"))), parent.map(|path| ("parent", path))];
    // Each route alone, too: beside one another, a server that is fair to them serves fewer of the cheapest.
    for routes in [&[0, 1, 2][..], &[0], &[1], &[2]] {
        for (name, program) in programs.iter().flatten() {
            let report =
                heavy_requests::run(program, duration / if routes.len() > 1 { 1 } else { 3 }, routes);
            let names: Vec<_> =
                routes.iter().map(|at| (heavy_requests::ROUTES[*at], report.heavy[*at])).collect();
            println!("32 clients, {name}: {names:?} responses, {} failed", report.failed);
            print("  probes", report.failed_probes, report.probes);
            print("  deliveries", report.failed_deliveries, report.deliveries);
        }
    }
}

fn print(name: &str, failed: usize, mut durations: Vec<Duration>) {
    durations.sort();
    let at =
        |part: usize| durations.get((durations.len() * part / 100).min(durations.len().saturating_sub(1)));
    let ms = |duration: Option<&Duration>| duration.map_or(0.0, |duration| duration.as_secs_f64() * 1e3);
    let (count, median, p99) = (durations.len(), ms(at(50)), ms(at(99)));
    println!("{name}: {count} answered, {failed} failed, median {median:.1} ms, p99 {p99:.1} ms");
}
