//! What the control group of this process may use, and what it uses: those of its container or service.
//!
//! Read at each scrape, from version 2 or 1. Without a limit there is no series; limits of groups around it are not looked for.

use std::fs;
use std::time::Duration;

use super::{Families, Scrape};

const ROOT: &str = "/sys/fs/cgroup";
const GROUPS: &str = "/proc/self/cgroup";
/// Version 1 has a number near 2^63 for no limit.
const LIMIT_MAX: u64 = 1 << 62;

/// The use of a group, of which parts without a limit are absent.
#[derive(Debug, Default, PartialEq)]
struct Usage {
    memory: Option<Memory>,
    cpu: Option<Cpu>,
}

#[derive(Debug, PartialEq)]
struct Memory {
    limit_bytes: u64,
    /// Without the part of its page cache that the system takes back first when it needs memory.
    used_bytes: u64,
}

#[derive(Debug, PartialEq)]
struct Cpu {
    limit_cores: f64,
    throttled: Duration,
}

pub(super) fn register(families: &Families) -> Result<(), prometheus::Error> {
    families.register_scrape(|scrape| {
        let Usage { memory, cpu } = usage(|path| fs::read_to_string(path).ok());
        let bytes = |value: fn(&Memory) -> u64| memory.as_ref().map(|memory| ([""; 0], value(memory) as f64));
        let limit =
            ("cgroup_memory_limit_bytes", "Memory that the control group may use; absent without a limit");
        scrape.gauges(limit, [], bytes(|memory| memory.limit_bytes))?;
        let used = (
            "cgroup_memory_bytes",
            "Memory that the control group uses, without files that were not read lately; absent without a limit",
        );
        scrape.gauges(used, [], bytes(|memory| memory.used_bytes))?;
        read_cpu(scrape, cpu.as_ref())
    })
}

fn read_cpu(scrape: &mut Scrape, cpu: Option<&Cpu>) -> Result<(), prometheus::Error> {
    let limit = ("cgroup_cpu_limit_cores", "Cores that the control group may use; absent without a limit");
    scrape.gauges(limit, [], cpu.map(|cpu| ([""; 0], cpu.limit_cores)))?;
    let throttled = (
        "cgroup_cpu_throttled_seconds_total",
        "Time for which the control group was kept from running by its limit; absent without a limit",
    );
    scrape.seconds(throttled, [], cpu.map(|cpu| ([""; 0], cpu.throttled)))
}

/// The use of the group of this process, given what reads a file.
fn usage(read: impl Fn(&str) -> Option<String>) -> Usage {
    let groups = read(GROUPS).unwrap_or_default();
    // A line is `number:controllers:path`; that of version 2 names no controller.
    let lines = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        Some((parts.next()?, parts.next()?))
    });
    let lines: Vec<(&str, &str)> = lines.collect();
    let path_of = |controller: &str| {
        let names = |line: &&(&str, &str)| line.0.split(',').any(|name| name == controller);
        lines.iter().find(names).map(|(_, path)| path.trim_end_matches('/'))
    };
    // A container has its own group at the root, whatever the path says.
    let in_group = |controller: &str, file: &str| {
        let path = path_of(controller)?;
        let root = if controller.is_empty() { ROOT.to_owned() } else { [ROOT, controller].join("/") };
        read(&format!("{root}{path}/{file}")).or_else(|| read(&format!("{root}/{file}")))
    };
    let number = |controller: &str, file: &str| in_group(controller, file)?.trim().parse::<u64>().ok();
    let used = |controller: &str, file: &str, cached: &str| {
        let cached = count_of(&in_group(controller, "memory.stat").unwrap_or_default(), cached);
        Some(number(controller, file)?.saturating_sub(cached))
    };
    let old_memory = || {
        let used = used("memory", "memory.usage_in_bytes", "total_inactive_file")?;
        Memory::new(number("memory", "memory.limit_in_bytes")?, used)
    };
    let new_memory = || Memory::new(number("", "memory.max")?, used("", "memory.current", "inactive_file")?);
    let old_cpu = || {
        let (quota, period) = (number("cpu", "cpu.cfs_quota_us")?, number("cpu", "cpu.cfs_period_us")?);
        let throttled_ns = count_of(&in_group("cpu", "cpu.stat")?, "throttled_time");
        Some(Cpu { limit_cores: quota as f64 / period as f64, throttled: Duration::from_nanos(throttled_ns) })
    };
    let new_cpu = || {
        let max = in_group("", "cpu.max")?;
        let (quota, period) = max.trim().split_once(' ')?;
        let (quota, period) = (quota.parse::<f64>().ok()?, period.parse::<f64>().ok()?);
        let throttled_us = count_of(&in_group("", "cpu.stat")?, "throttled_usec");
        Some(Cpu { limit_cores: quota / period, throttled: Duration::from_micros(throttled_us) })
    };
    Usage { memory: old_memory().or_else(new_memory), cpu: old_cpu().or_else(new_cpu) }
}

impl Memory {
    fn new(limit_bytes: u64, used_bytes: u64) -> Option<Self> {
        (limit_bytes < LIMIT_MAX).then_some(Self { limit_bytes, used_bytes })
    }
}

/// The number after a name in lines of names and numbers; 0 if there is none.
fn count_of(lines: &str, name: &str) -> u64 {
    let pairs = lines.lines().filter_map(|line| line.split_once(' '));
    pairs.into_iter().find(|(other, _)| *other == name).and_then(|(_, count)| count.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage_of(files: &[(&str, &str)]) -> Usage {
        usage(|path| {
            let file = files.iter().find(|(name, _)| *name == path);
            file.map(|(_, text)| (*text).to_owned())
        })
    }

    fn limited() -> Usage {
        Usage {
            memory: Some(Memory { limit_bytes: 268_435_456, used_bytes: 52_428_800 }),
            cpu: Some(Cpu { limit_cores: 1.5, throttled: Duration::from_millis(2500) }),
        }
    }

    #[test]
    fn limits_of_version_2_are_read_from_the_group_or_from_the_root_of_a_container() {
        for group in ["/sys/fs/cgroup/system.slice/investiq.service", "/sys/fs/cgroup"] {
            let path = |file: &str| format!("{group}/{file}");
            let files = [
                ("/proc/self/cgroup".to_owned(), "0::/system.slice/investiq.service\n"),
                (path("memory.max"), "268435456\n"),
                (path("memory.current"), "60817408\n"),
                (path("memory.stat"), "anon 9\ninactive_file 8388608\n"),
                (path("cpu.max"), "150000 100000\n"),
                (path("cpu.stat"), "usage_usec 9\nnr_throttled 7\nthrottled_usec 2500000\n"),
            ];
            let files = files.each_ref().map(|(path, text)| (path.as_str(), *text));
            assert_eq!(usage_of(&files), limited(), "{group}");
        }
    }

    #[test]
    fn limits_of_version_1_are_read_for_each_controller() {
        let files = [
            ("/proc/self/cgroup", "4:memory:/docker/a\n3:cpu,cpuacct:/docker/a\n1:name=systemd:/\n0::/\n"),
            ("/sys/fs/cgroup/memory/docker/a/memory.limit_in_bytes", "268435456\n"),
            ("/sys/fs/cgroup/memory/docker/a/memory.usage_in_bytes", "60817408\n"),
            ("/sys/fs/cgroup/memory/docker/a/memory.stat", "inactive_file 9\ntotal_inactive_file 8388608\n"),
            ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "150000\n"),
            ("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
            ("/sys/fs/cgroup/cpu/cpu.stat", "nr_throttled 7\nthrottled_time 2500000000\n"),
        ];
        assert_eq!(usage_of(&files), limited());
    }

    #[test]
    fn what_has_no_limit_is_absent() {
        assert_eq!(usage_of(&[]), Usage::default(), "not Linux");
        let new = [
            ("/proc/self/cgroup", "0::/\n"),
            ("/sys/fs/cgroup/memory.max", "max\n"),
            ("/sys/fs/cgroup/memory.current", "52428800\n"),
            ("/sys/fs/cgroup/cpu.max", "max 100000\n"),
            ("/sys/fs/cgroup/cpu.stat", "throttled_usec 0\n"),
        ];
        assert_eq!(usage_of(&new), Usage::default());
        let old = [
            ("/proc/self/cgroup", "4:memory:/\n1:cpu:/\n"),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("/sys/fs/cgroup/memory/memory.usage_in_bytes", "52428800\n"),
            ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"),
            ("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
        ];
        assert_eq!(usage_of(&old), Usage::default());
    }
}
