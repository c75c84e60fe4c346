//! Name server addresses as people write them.

use std::net::Ipv6Addr;

/// Hosts of this form are endpoints of a hosted service, and name a namespace (protocol 3.5).
const INSTANCE_PREFIX: &str = "MQ_INST_";

const URL: &str =
    "is a URL, not host:port: where to look name servers up by HTTP is for name.server.url to say";

/// The addresses of a list with `;` or `,` between: trimmed, in order, each once, perhaps none. Of an endpoint
/// `http://host:port`, as the Java client takes it, the `host:port` counts: what follows the last slash. The error says
/// which one is wrong and why.
pub(crate) fn parse_addresses(list: &str) -> Result<Vec<String>, String> {
    let mut addresses: Vec<String> = Vec::new();
    for given in list.split([';', ',']).map(str::trim).filter(|given| !given.is_empty()) {
        let rest = given.strip_prefix("http://");
        let address = rest.and_then(|rest| rest.rsplit('/').next()).unwrap_or(given);
        let is_url = rest.map_or(given.contains("://"), |rest| rest.contains('/'));
        check(address).map_err(|why| {
            let why = if is_url { URL } else { why };
            format!("{}: {why}", super::key::quoted(given))
        })?;
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

/// Whether it is `host:port`.
pub(super) fn check(address: &str) -> Result<(), &'static str> {
    let (host, port) = address.rsplit_once(':').ok_or("is not host:port: the port is missing")?;
    if !port.bytes().all(|byte| byte.is_ascii_digit()) || !port.parse::<u16>().is_ok_and(|port| port > 0) {
        return Err("is not host:port: the port must be a number from 1 to 65535");
    }
    if let Some(inner) = host.strip_prefix('[') {
        let literal = inner.strip_suffix(']').ok_or("is not [IPv6 address]:port")?;
        // Link-local addresses have the interface with them.
        let (literal, scope) = literal.split_once('%').unwrap_or((literal, "0"));
        let is_scope = !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'%');
        let is_literal = literal.parse::<Ipv6Addr>().is_ok() && is_scope;
        return is_literal.then_some(()).ok_or("is not [IPv6 address]:port");
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
    fn a_url_is_told_where_it_belongs() {
        for url in
            ["http://h:1/", "http://names:8080/rocketmq/nsaddr", "https://h:1", "http://h/", "tcp://h:1"]
        {
            let error = parse_addresses(url).unwrap_err();
            assert!(error.contains(url) && error.contains("name.server.url"), "{error}");
        }
        let error = parse_addresses("http://h").unwrap_err();
        assert!(error.contains("port is missing"), "{error}");
        assert_eq!(parse_addresses("http://h:1;http://x/y/h:2").unwrap(), ["h:1", "h:2"]);
    }

    #[test]
    fn addresses_of_a_link_name_their_interface() {
        let list = "[fe80::1%eth0]:9876;[fe80::2%3]:1";
        assert_eq!(parse_addresses(list).unwrap(), ["[fe80::1%eth0]:9876", "[fe80::2%3]:1"]);
        for bad in ["[fe80::1%]:1", "[fe80::1%a b]:1", "[fe80::1%a%b]:1", "[%eth0]:1"] {
            assert!(parse_addresses(bad).unwrap_err().contains("IPv6"), "{bad}");
        }
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
