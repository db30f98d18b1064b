//! Metrics of this process from `/proc`, under the names that every Prometheus client uses.
//!
//! Read at each scrape. On a system without `/proc` the gauges stay at zero.

use std::fs;
use std::sync::{Mutex, PoisonError};

use prometheus::{Counter, Gauge, IntGauge, Opts};

use super::Families;

/// Clock ticks per second in `/proc`; Linux shows 100 to user space on every architecture we build for.
const TICKS_PER_S: f64 = 100.0;

#[derive(Debug)]
pub(super) struct Process {
    cpu_seconds: Counter,
    resident_bytes: IntGauge,
    threads: IntGauge,
    open_files: IntGauge,
    open_files_max: IntGauge,
    start_time: Gauge,
    refreshing: Mutex<()>,
}

impl Process {
    pub(super) fn new(families: &Families) -> Result<Self, prometheus::Error> {
        let gauge = |name, help| families.declare(IntGauge::with_opts(Opts::new(name, help)));
        let float = |name, help| families.declare(Gauge::with_opts(Opts::new(name, help)));
        Ok(Self {
            cpu_seconds: families
                .declare(Counter::new("process_cpu_seconds_total", "User and system CPU time, in seconds"))?,
            resident_bytes: gauge("process_resident_memory_bytes", "Resident memory, in bytes")?,
            threads: gauge("process_threads", "Number of threads")?,
            open_files: gauge("process_open_fds", "Open file descriptors")?,
            open_files_max: gauge("process_max_fds", "Maximum number of open file descriptors")?,
            start_time: float("process_start_time_seconds", "Start of the process, in seconds since 1970")?,
            refreshing: Mutex::default(),
        })
    }

    pub(super) fn refresh(&self) {
        // Two concurrent scrapes must not add the same time twice.
        let _guard = self.refreshing.lock().unwrap_or_else(PoisonError::into_inner);
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let stat = read("/proc/self/stat");
        // The name in the second field may contain anything; fields are counted from its closing parenthesis.
        let fields: Vec<&str> =
            stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let field = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
        let used_s = (field(11) + field(12)) / TICKS_PER_S;
        self.cpu_seconds.inc_by((used_s - self.cpu_seconds.get()).max(0.0));
        let boot_time = number_after(&read("/proc/stat"), "btime ");
        self.start_time.set(boot_time as f64 + field(19) / TICKS_PER_S);

        let status = read("/proc/self/status");
        self.resident_bytes.set(number_after(&status, "VmRSS:") * 1024);
        self.threads.set(number_after(&status, "Threads:"));
        self.open_files_max.set(number_after(&read("/proc/self/limits"), "Max open files"));
        let open_files = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        self.open_files.set(i64::try_from(open_files).unwrap_or(i64::MAX));
    }
}

/// The first number after a label at the start of a line; 0 if there is none.
fn number_after(text: &str, label: &str) -> i64 {
    let line = text.lines().find_map(|line| line.strip_prefix(label));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
