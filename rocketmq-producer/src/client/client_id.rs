//! The id by which brokers know a client.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::Settings;
use crate::sys;

/// Numbers the client ids of one process.
static INSTANCES: AtomicU64 = AtomicU64::new(0);

/// `address@instance[@unit][@STREAM]` (protocol 4.3), unique unless `instance.name` says otherwise.
pub(super) fn client_id(settings: &Settings, random: u64) -> String {
    let ip = settings.client_ip.clone().unwrap_or_else(|| in_client_id(sys::local_ip()));
    let instance = settings.instance_name.clone().unwrap_or_else(|| {
        let number = INSTANCES.fetch_add(1, Ordering::Relaxed);
        format!("{}#{random}#{number}", std::process::id())
    });
    let mut id = format!("{ip}@{instance}");
    if let Some(unit) = &settings.unit_name {
        id = format!("{id}@{unit}");
    }
    if settings.stream {
        id.push_str("@STREAM");
    }
    id
}

/// As the Java client writes it: IPv6 in brackets.
fn in_client_id(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_ids_have_ipv6_addresses_in_brackets() {
        let shown = |text: &str| in_client_id(text.parse().unwrap());
        assert_eq!(shown("192.0.2.7"), "192.0.2.7");
        assert_eq!(shown("2001:db8::7"), "[2001:db8::7]");
    }
}
