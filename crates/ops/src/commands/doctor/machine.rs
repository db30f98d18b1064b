//! The machine: ports, disks, memory, CPUs and MTU, against what the Compose files ask for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use config::check::Finding;
use serde_json::Value;

use super::compose::{Model, Project};
use super::{error, warning};
use crate::host;

const GIB: u64 = 1 << 30;
/// Below this, the database and the logs may fill the disk within a day.
const DISK_FREE_BYTES_MIN: u64 = 2 * GIB;
/// Share of a disk's blocks or inodes below which it counts as nearly full.
const FREE_SHARE_MIN: f64 = 0.1;
const MEMORY_AVAILABLE_BYTES_MIN: u64 = GIB / 4;
const MTU_OPTION: &str = "com.docker.network.driver.mtu";
const MTU_DEFAULT: u32 = 1500;

/// `directories` have data that grows.
pub(super) fn findings(project: &Project, directories: [Option<PathBuf>; 2]) -> Vec<Finding> {
    let disks =
        directories.into_iter().flatten().filter_map(|path| Disk::of(&path).map(|disk| disk.findings(&path)));
    let mut findings: Vec<Finding> = disks.flatten().collect();
    let Ok(model) = &project.model else { return findings };
    let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let listening = listening_ports(&[text("/proc/net/tcp"), text("/proc/net/tcp6")]);
    findings.extend(ports(model, &listening, &project.held_ports().collect()));
    findings.extend(memory(model, &text("/proc/meminfo")));
    findings.extend(host::cpus().and_then(|cpus| cpu_limit(model, cpus)));
    findings.extend(host::default_route_mtu().map(|mtu| networks(model, mtu)).unwrap_or_default());
    findings
}

/// Ports that the project publishes and another program holds.
fn ports(model: &Model, listening: &BTreeSet<u16>, own: &BTreeSet<u16>) -> Vec<Finding> {
    let published = model.ports().map(|port| port.number);
    let busy: BTreeSet<u16> =
        published.filter(|port| listening.contains(port) && !own.contains(port)).collect();
    let finding = |port: &u16| {
        let message = "is in use by another program, so that the container cannot publish it";
        let remedy = format!("ss --listening --tcp --numeric --processes 'sport = :{port}'");
        error("port", format!("port {port}"), message, remedy)
    };
    busy.iter().map(finding).collect()
}

/// The local ports of listening sockets (state 0A), in the format of `/proc/net/tcp`.
fn listening_ports(tables: &[String]) -> BTreeSet<u16> {
    let port = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (local, state) = (fields.get(1)?, fields.get(3)?);
        let port = local.rsplit_once(':')?.1;
        (*state == "0A").then(|| u16::from_str_radix(port, 16).ok())?
    };
    tables.iter().flat_map(|table| table.lines().skip(1)).filter_map(port).collect()
}

/// The space of the file system of a directory.
struct Disk {
    free_bytes: u64,
    bytes: u64,
    free_inodes: u64,
    /// 0 if the file system does not limit them.
    inodes: u64,
}

impl Disk {
    fn of(directory: &Path) -> Option<Self> {
        let stat = rustix::fs::statvfs(directory).ok()?;
        Some(Self {
            free_bytes: stat.f_bavail * stat.f_frsize,
            bytes: stat.f_blocks * stat.f_frsize,
            free_inodes: stat.f_favail,
            inodes: stat.f_files,
        })
    }

    fn findings(&self, directory: &Path) -> Vec<Finding> {
        let share = |free: u64, all: u64| if all == 0 { 1.0 } else { free as f64 / all as f64 };
        let (space, inodes) = (share(self.free_bytes, self.bytes), share(self.free_inodes, self.inodes));
        let shown = directory.display();
        let usage = format!("du --human-readable --max-depth 2 {shown}");
        let space = if self.free_bytes < DISK_FREE_BYTES_MIN {
            Some(error("disk", &shown, "has less than 2 GiB of free disk space", usage))
        } else {
            let message = format!("has only {:.0} % of its disk space free", space * 100.0);
            (space < FREE_SHARE_MIN).then(|| warning("disk", &shown, message, usage))
        };
        let inodes = (inodes < FREE_SHARE_MIN).then(|| {
            let message = format!("has only {:.0} % of its inodes free", inodes * 100.0);
            error("inodes", &shown, message, format!("du --inodes --max-depth 2 {shown}"))
        });
        space.into_iter().chain(inodes).collect()
    }
}

/// `meminfo` is in the format of `/proc/meminfo`.
fn memory(model: &Model, meminfo: &str) -> Option<Finding> {
    let bytes = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
    };
    let (total, available) = (bytes("MemTotal")?, bytes("MemAvailable")?);
    let limits = model.services().filter_map(|(_, service)| service.limit("memory"));
    let limits = limits.map(|(bytes, containers)| bytes * containers).sum::<f64>() as u64;
    let gib = |bytes: u64| format!("{:.1} GiB", bytes as f64 / GIB as f64);
    if available < MEMORY_AVAILABLE_BYTES_MIN {
        let message = format!("only {} of {} is available", gib(available), gib(total));
        return Some(error("memory", "memory", message, "ps -e --format rss,args --sort -rss | head"));
    }
    (limits > total).then(|| {
        let message = format!("the limits of the containers add up to {}, and there are {}", gib(limits), gib(total));
        let remedy = "use a larger machine, or lower deploy.resources.limits.memory in an override of the Compose files";
        warning("memory_limits", "memory", message, remedy)
    })
}

/// Docker creates no container with a limit of more CPUs than there are.
fn cpu_limit(model: &Model, cpus: u32) -> Option<Finding> {
    let limits = model.services().filter_map(|(name, service)| Some((name, service.limit("cpus")?.0)));
    let (service, limit) = limits
        .filter(|(_, limit)| *limit > f64::from(cpus))
        .max_by(|one, other| one.1.total_cmp(&other.1))?;
    let message = format!("has a limit of {limit} CPUs, and this machine has {cpus}");
    Some(error("cpus", service, message, format!("set API_CPUS={cpus} in .env")))
}

/// Larger packets than the machine can send are lost, so that large responses never arrive.
fn networks(model: &Model, mtu: u32) -> Vec<Finding> {
    let external = model.networks().filter(|(_, network)| network["internal"] != true);
    let configured =
        |network: &Value| network["driver_opts"][MTU_OPTION].as_str().and_then(|mtu| mtu.parse().ok());
    let external = external.map(|(name, network)| (name, configured(network).unwrap_or(MTU_DEFAULT)));
    let larger = external.filter(|(_, configured)| *configured > mtu);
    let finding = |(name, configured): (&str, u32)| {
        let message = format!("has an MTU of {configured}, and the default route of this machine has {mtu}");
        let remedy =
            format!("set MTU={mtu} in .env, then: docker compose down && docker compose up --detach --wait");
        error("mtu", format!("network {name}"), message, remedy)
    };
    larger.map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(findings: impl IntoIterator<Item = Finding>) -> Vec<String> {
        findings.into_iter().map(|finding| format!("{} {}", finding.rule(), finding.subject())).collect()
    }

    #[test]
    fn a_published_port_is_free_or_held_by_the_project() {
        // In hexadecimal: 80, 443 and, of a connection and not of a listener, 3000.
        let table = "  sl  local_address rem_address   st\n\
                     0: 00000000:0050 00000000:0000 0A 0\n\
                     1: 00000000000000000000000001000000:01BB 00000000000000000000000000000000:0000 0A 0\n\
                     2: 0100007F:0BB8 0100007F:D431 01 0\n";
        let listening = listening_ports(&[table.to_owned(), String::new()]);
        assert_eq!(listening, BTreeSet::from([80, 443]));
        let ports_of = |published: &[&str]| {
            let ports: Vec<_> =
                published.iter().map(|port| serde_json::json!({ "target": 1, "published": port })).collect();
            Model(serde_json::json!({ "services": { "a": { "ports": ports } } }))
        };
        let both = ports_of(&["80", "443", "3000"]);
        assert_eq!(rules(ports(&both, &listening, &BTreeSet::from([443]))), ["port port 80"]);
        assert_eq!(rules(ports(&both, &listening, &BTreeSet::from([80, 443]))), [""; 0]);
    }

    #[test]
    fn a_nearly_full_disk_is_found() {
        for (free_bytes, free_inodes, expected) in [
            (50 * GIB, 500, &[][..]),
            (9 * GIB, 500, &["disk /data"]),
            (GIB, 500, &["disk /data"]),
            (50 * GIB, 99, &["inodes /data"]),
        ] {
            let disk = Disk { free_bytes, bytes: 100 * GIB, free_inodes, inodes: 1000 };
            assert_eq!(rules(disk.findings(Path::new("/data"))), expected, "{free_bytes} {free_inodes}");
        }
        // Such as btrfs.
        let unlimited = Disk { free_bytes: 50 * GIB, bytes: 100 * GIB, free_inodes: 0, inodes: 0 };
        assert_eq!(rules(unlimited.findings(Path::new("/data"))), [""; 0]);
    }

    #[test]
    fn memory_and_cpus_are_compared_with_the_limits_of_containers() {
        let limits = serde_json::json!({ "cpus": "2.5", "memory": "1073741824" });
        let service = serde_json::json!({ "deploy": { "replicas": 3, "resources": { "limits": limits } } });
        let model = Model(serde_json::json!({ "services": { "a": service } }));
        for (total_kib, available_kib, expected) in [
            (4_000_000, 3_000_000, None),
            (3_000_000, 1_000_000, Some("memory_limits")),
            (8_000_000, 200_000, Some("memory")),
        ] {
            let meminfo =
                format!("MemTotal: {total_kib} kB\nMemFree: 1 kB\nMemAvailable: {available_kib} kB\n");
            assert_eq!(memory(&model, &meminfo).map(|finding| finding.rule()), expected, "{meminfo}");
        }
        assert_eq!(cpu_limit(&model, 2).map(|finding| finding.rule()), Some("cpus"));
        assert_eq!(cpu_limit(&model, 3), None);
    }

    #[test]
    fn a_network_with_a_route_out_has_no_larger_mtu_than_the_machine() {
        let model = Model(serde_json::json!({ "services": {}, "networks": {
            "set": { "driver_opts": { MTU_OPTION: "1450" } },
            "unset": null,
            "inner": { "internal": true },
        } }));
        assert_eq!(rules(networks(&model, 1500)), [""; 0]);
        assert_eq!(rules(networks(&model, 1450)), ["mtu network unset"]);
        assert_eq!(rules(networks(&model, 1400)), ["mtu network set", "mtu network unset"]);
    }
}
