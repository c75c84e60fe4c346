//! How the address that a broker has registered comes to the one that is connected to.

use std::sync::Arc;

use crate::config::AddressMap;
use crate::remoting::{Channel, Remoting};

/// What stands between the address of a broker and its connection: the same for all brokers of a client instance.
#[derive(Default)]
pub(crate) struct BrokerPaths {
    /// Sends go to the VIP channel.
    pub(crate) vip: bool,
    pub(crate) map: AddressMap,
}

impl BrokerPaths {
    /// The host of this name server, if the map takes brokers there.
    pub(super) fn name_server_host<'a>(&self, name_server: &'a str) -> Option<&'a str> {
        let (host, _) = name_server.rsplit_once(':')?;
        self.map.names_the_name_server().then_some(host)
    }

    /// Where a broker is reached that has registered this address: for its requests, and for sends. `host` is that of the name
    /// server which gave its route.
    pub(super) fn channels(
        &self,
        remoting: &Remoting,
        registered: &str,
        host: Option<&str>,
    ) -> (Arc<Channel>, Arc<Channel>) {
        let mapped = |registered: &str| self.map.used(registered, host);
        let used = mapped(registered).unwrap_or_else(|| registered.to_owned());
        let channel = remoting.channel_through(registered, &used);
        let vip = if self.vip { vip_address(registered) } else { None };
        let send_channel = vip.and_then(|vip| {
            // The map may name it; else it lies two ports below where the broker is reached.
            let used = match self.map.get(&vip) {
                Some(_) => mapped(&vip),
                None => vip_address(&used),
            };
            Some(remoting.channel_through(&vip, &used?))
        });
        let send_channel = send_channel.unwrap_or_else(|| Arc::clone(&channel));
        (channel, send_channel)
    }
}

/// The address of a broker's VIP channel: two ports below (protocol 3.6).
fn vip_address(address: &str) -> Option<String> {
    let (host, port) = address.rsplit_once(':')?;
    let vip = port.parse::<u16>().ok()?.checked_sub(2).filter(|port| *port > 0)?;
    Some(format!("{host}:{vip}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse_address_map;

    fn paths(map: &str, registered: &str) -> (String, String) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let map = parse_address_map(map).expect("a map");
        let paths = BrokerPaths { vip: true, map };
        let (channel, sends) =
            paths.channels(&Remoting::for_tests(runtime.handle().clone()), registered, Some("names"));
        (channel.address().to_string(), sends.address().to_string())
    }

    #[test]
    fn the_vip_channel_is_two_ports_below() {
        assert_eq!(vip_address("10.0.0.1:10911").as_deref(), Some("10.0.0.1:10909"));
        assert_eq!(vip_address("[::1]:3").as_deref(), Some("[::1]:1"));
        assert_eq!(vip_address("h:2"), None);
        assert_eq!(vip_address("h"), None);
    }

    #[test]
    fn the_map_counts_for_the_vip_channel_too() {
        let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        assert_eq!(paths("", "a:9"), pair("a:9", "a:7"));
        assert_eq!(paths("a=b", "a:9"), pair("a:9 → b:9", "a:7 → b:7"));
        assert_eq!(paths("a:9=b:29", "a:9"), pair("a:9 → b:29", "a:7 → b:27"));
        assert_eq!(paths("*=@name.server", "a:9"), pair("a:9 → names:9", "a:7 → names:7"));
        assert_eq!(paths("a:9=b:29;a:7=c:1", "a:9"), pair("a:9 → b:29", "a:7 → c:1"));
    }
}
