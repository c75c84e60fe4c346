//! Where brokers are reached that register addresses which this program cannot reach.

use super::addresses::check;

/// The word that stands for the host of the name server that gave the route.
const NAME_SERVER: &str = "@name.server";
const ANY: &str = "*";

/// Maps registered addresses and hosts to those that are connected to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AddressMap(Vec<(String, String)>);

/// The map of a list `registered=used` with `;` or `,` between. The error says which entry is wrong and why.
pub(crate) fn parse_address_map(list: &str) -> Result<AddressMap, String> {
    let mut entries: Vec<(String, String)> = Vec::new();
    for given in list.split([';', ',']).map(str::trim).filter(|given| !given.is_empty()) {
        let refuse = |why: &str| format!("{}: {why}", super::key::quoted(given));
        let (registered, used) = given.split_once('=').ok_or_else(|| refuse("is not registered=used"))?;
        let (registered, used) = (registered.trim(), used.trim());
        let part = |text: &str, special: &str| match text {
            text if text == special => Ok(false),
            text if check(text).is_ok() => Ok(true),
            text if check(&with_port(text, "1")).is_ok() => Ok(false),
            text => Err(refuse(&format!("{} is no host and no host:port", super::key::quoted(text)))),
        };
        let is_address = part(registered, ANY)?;
        if part(used, NAME_SERVER)? && !is_address {
            return Err(refuse("a host is reached at a host: ports stay as they are"));
        }
        if entries.iter().any(|(known, _)| known == registered) {
            return Err(refuse("the second entry for the same"));
        }
        entries.push((registered.to_owned(), used.to_owned()));
    }
    Ok(AddressMap(entries))
}

impl AddressMap {
    /// Where this registered `host:port` is reached, if it is in the map: by itself, by its host, or by what counts for all.
    /// Where the name server's host is meant, and it is not known, it is not.
    pub(crate) fn used(&self, registered: &str, name_server_host: Option<&str>) -> Option<String> {
        let (host, port) = registered.rsplit_once(':')?;
        let used = [registered, host, ANY].into_iter().find_map(|key| self.get(key))?;
        let used = if used == NAME_SERVER { name_server_host? } else { used };
        Some(if check(used).is_ok() { used.to_owned() } else { with_port(used, port) })
    }

    /// Whether some are reached at the host of the name server.
    pub(crate) fn names_the_name_server(&self) -> bool {
        self.0.iter().any(|(_, used)| used == NAME_SERVER)
    }

    /// Where exactly this address is reached.
    pub(crate) fn get(&self, registered: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == registered).map(|(_, used)| used.as_str())
    }
}

fn with_port(host: &str, port: &str) -> String {
    format!("{host}:{port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_comes_before_its_host_and_that_before_all() {
        let list = " 10.0.0.1:10911=public.example:20911; 10.0.0.1 = b , [fe80::1]=[::1];*=@name.server;";
        let map = parse_address_map(list).expect("a map");
        for (registered, used) in [
            ("10.0.0.1:10911", "public.example:20911"),
            ("10.0.0.1:10909", "b:10909"),
            ("[fe80::1]:7", "[::1]:7"),
            ("broker-a:10911", "names:10911"),
        ] {
            assert_eq!(map.used(registered, Some("names")).as_deref(), Some(used), "{registered}");
        }
        assert_eq!(map.used("broker-a:10911", None), None);
        assert_eq!(AddressMap::default().used("a:1", None), None);
        let of_one = parse_address_map("10.0.0.1:10911=127.0.0.1").expect("a map");
        assert_eq!(of_one.used("10.0.0.1:10911", None).as_deref(), Some("127.0.0.1:10911"));
        assert_eq!(of_one.used("10.0.0.1:10912", None), None);
    }

    #[test]
    fn what_is_no_entry_is_named() {
        for bad in ["a", "a=", "=b", "a=b:x", "a=b:1", "*=b:1", "a b=c", "@name.server=a", "a=*"] {
            let error = parse_address_map(&format!("ok=fine;{bad}")).expect_err(bad);
            assert!(error.contains(bad), "{bad}: {error}");
        }
        assert!(parse_address_map("a=b;a=c").expect_err("twice").contains("a=c"));
    }
}
