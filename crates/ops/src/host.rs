//! What the kernel says about this machine.

use std::fs;

/// The CPUs that this process may use.
pub(crate) fn cpus() -> Option<u32> {
    std::thread::available_parallelism().ok().and_then(|cpus| u32::try_from(cpus.get()).ok())
}

/// The MTU of the interface of the default route; `None` without such a route.
pub(crate) fn default_route_mtu() -> Option<u32> {
    let routes = fs::read_to_string("/proc/net/route").ok()?;
    let interface = default_interface(&routes)?;
    fs::read_to_string(format!("/sys/class/net/{interface}/mtu")).ok()?.trim().parse().ok()
}

/// The interface of the route whose destination and mask are 0, in the format of `/proc/net/route`.
fn default_interface(routes: &str) -> Option<&str> {
    let fields = routes.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    fields
        .filter(|fields| fields.get(1) == Some(&"00000000") && fields.get(7) == Some(&"00000000"))
        .find_map(|fields| fields.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_route_has_neither_a_destination_nor_a_mask() {
        let routes = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
                      docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n\
                      ens3\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n";
        assert_eq!(default_interface(routes), Some("ens3"));
        assert_eq!(default_interface("Iface\n"), None);
    }
}
