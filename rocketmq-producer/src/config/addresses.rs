//! Name server addresses as people write them.

use std::net::Ipv6Addr;

/// The addresses of a list with `;` or `,` between: trimmed, in order, each once, perhaps none. The error says which
/// one is wrong and why.
pub(crate) fn parse_addresses(list: &str) -> Result<Vec<String>, String> {
    let mut addresses: Vec<String> = Vec::new();
    for address in list.split([';', ',']).map(str::trim).filter(|address| !address.is_empty()) {
        check(address).map_err(|why| format!("{}: {why}", super::key::quoted(address)))?;
        if !addresses.iter().any(|known| known == address) {
            addresses.push(address.to_owned());
        }
    }
    Ok(addresses)
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
            "http://host:9876",
            "ho st:1",
            "héte:1",
            "user@host:1",
        ] {
            let error = parse_addresses(&format!("ok:1;{bad}")).unwrap_err();
            assert!(error.contains(bad), "{bad}: {error}");
        }
        assert!(parse_addresses(" ; ").unwrap().is_empty());
    }
}
