//! Clients that use up connections, memory and threads, and honest clients beside them. `tools/flood` runs the same for longer and
//! prints figures.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod closed_windows;
mod heavy_requests;
mod honest_clients;
mod silent_readers;

use std::time::Duration;

const DURATION: Duration = Duration::from_secs(8);
const GROWTH_KIB_MAX: u64 = 64 * 1024;

#[test]
fn clients_that_read_nothing_take_neither_the_places_of_others_nor_memory() {
    let report = silent_readers::run(DURATION);
    assert_eq!((report.failed_probes, report.failed_requests), (0, 0), "{report:?}");
    assert!(report.silent > 4000, "{report:?}");
    assert!(!report.probes.is_empty() && !report.requests.is_empty(), "{report:?}");
    assert!(report.grown_kib.max(report.left_kib) < GROWTH_KIB_MAX, "{report:?}");
}

#[test]
fn one_key_that_opens_no_http2_window_holds_little_memory() {
    let report = closed_windows::run(DURATION);
    assert!(report.requests > 100, "{report:?}");
    assert!(report.grown_kib.max(report.left_kib) < GROWTH_KIB_MAX, "{report:?}");
}

#[test]
fn probes_and_deliveries_are_answered_beside_heavy_requests() {
    let report = heavy_requests::run(&tests::binary("api-server"), DURATION, &[0, 1, 2]);
    assert_eq!((report.failed, report.failed_probes, report.failed_deliveries), (0, 0, 0), "{report:?}");
    assert!(
        !report.heavy.contains(&0) && !report.probes.is_empty() && !report.deliveries.is_empty(),
        "{report:?}"
    );
}
