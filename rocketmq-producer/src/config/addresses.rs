//! Name server addresses as people write them.

use std::net::Ipv6Addr;

/// Hosts of this form are endpoints of a hosted service, and name a namespace (protocol 3.5).
const INSTANCE_PREFIX: &str = "MQ_INST_";

/// The addresses of a list with `;` or `,` between: trimmed, in order, each once, perhaps none. Of an endpoint
/// `http://host:port`, as the Java client takes it, the `host:port` counts. The error says which one is wrong and why.
pub(crate) fn parse_addresses(list: &str) -> Result<Vec<String>, String> {
    let mut addresses: Vec<String> = Vec::new();
    for given in list.split([';', ',']).map(str::trim).filter(|given| !given.is_empty()) {
        let endpoint = given.strip_prefix("http://").and_then(|rest| rest.rsplit('/').next());
        let address = endpoint.unwrap_or(given);
        check(address).map_err(|why| format!("{}: {why}", super::key::quoted(given)))?;
        if !addresses.iter().any(|known| known == address) {
            addresses.push(address.to_owned());
        }
    }
    Ok(addresses)
}

/// The namespace that the first address implies: `MQ_INST_x_y.host:port` is in `MQ_INST_x_y`.
pub(super) fn implied_namespace(addresses: &[String]) -> Option<String> {
    let (instance, _) = addresses.first()?.split_once('.')?;
    instance.strip_prefix(INSTANCE_PREFIX)?.contains('_').then(|| instance.to_owned())
}

fn check(address: &str) -> Result<(), &'static str> {
    let (host, port) = address.rsplit_once(':').ok_or("is not host:port: the port is missing")?;
    if !port.bytes().all(|byte| byte.is_ascii_digit()) || !port.parse::<u16>().is_ok_and(|port| port > 0) {
        return Err("is not host:port: the port must be a number from 1 to 65535");
    }
    if let Some(inner) = host.strip_prefix('[') {
        let literal = inner.strip_suffix(']').and_then(|literal| literal.parse::<Ipv6Addr>().ok());
        return literal.map(drop).ok_or("is not [IPv6 address]:port");
    }
    if host.contains(':') {
        return Err("is not host:port: write an IPv6 address as [address]:port, and no scheme");
    }
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if host.is_empty() || !host.bytes().all(in_name) {
        return Err("is not host:port: the host must be a name or an IP address");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_separators_blanks_and_repeats_are_understood() {
        let list = " a:9876; b.example_1-x:1 ,, [::1]:9876;a:9876;";
        assert_eq!(parse_addresses(list).unwrap(), ["a:9876", "b.example_1-x:1", "[::1]:9876"]);
    }

    #[test]
    fn what_is_no_host_and_port_is_named() {
        for bad in [
            "host",
            "host:",
            ":9876",
            "host:0",
            "host:65536",
            "host:+1",
            "::1:9876",
            "[::1]",
            "[::1:9876",
            "[x]:1",
            "https://host:9876",
            "http://",
            "ho st:1",
            "héte:1",
            "user@host:1",
        ] {
            let error = parse_addresses(&format!("ok:1;{bad}")).unwrap_err();
            assert!(error.contains(bad), "{bad}: {error}");
        }
        assert!(parse_addresses(" ; ").unwrap().is_empty());
    }

    #[test]
    fn an_endpoint_may_imply_a_namespace() {
        let endpoint = parse_addresses("http://MQ_INST_1_abc.mq.example:8080").unwrap();
        assert_eq!(endpoint, ["MQ_INST_1_abc.mq.example:8080"]);
        assert_eq!(implied_namespace(&endpoint).as_deref(), Some("MQ_INST_1_abc"));
        for plain in ["MQ_INST_1.example:1", "x.MQ_INST_1_abc.example:1", "localhost:1"] {
            assert_eq!(implied_namespace(&parse_addresses(plain).unwrap()), None, "{plain}");
        }
    }
}
