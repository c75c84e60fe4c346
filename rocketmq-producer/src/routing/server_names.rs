//! The name servers as they are given, and the addresses that stand behind their names: all that the DNS has.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};

use super::bounds::MAX_NAME_SERVERS;

#[derive(Default)]
pub(super) struct ServerNames {
    given: Vec<String>,
    /// The addresses that the last look-up of a name gave; none if every look-up failed so far.
    found: HashMap<String, Vec<String>>,
}

impl ServerNames {
    /// Takes another list, as people write it. What was found for names that stay is still known.
    pub(super) fn set(&mut self, given: &[String]) {
        self.given = given.to_vec();
        self.found.retain(|name, _| given.contains(name));
    }

    pub(super) fn given(&self) -> &[String] {
        &self.given
    }

    /// The names that are to be looked up.
    pub(super) fn to_look_up(&self) -> Vec<String> {
        self.given.iter().filter(|given| !is_address(given)).cloned().collect()
    }

    /// A name was looked up. When that failed, what is known stays.
    pub(super) fn looked_up(&mut self, name: &str, found: io::Result<Vec<SocketAddr>>) {
        if !self.given.iter().any(|given| given == name) {
            return;
        }
        let mut found: Vec<_> = found.unwrap_or_default().iter().map(ToString::to_string).collect();
        // Answers have them in turn.
        found.sort_unstable();
        if !found.is_empty() || !self.found.contains_key(name) {
            self.found.insert(name.to_owned(), found);
        }
    }

    /// All addresses that can be asked, each once, up to the bound. A name without an address stands for itself, so that who connects
    /// to it is told why; one that was never looked up is not there yet.
    pub(super) fn addresses(&self) -> Vec<String> {
        let mut addresses: Vec<String> = Vec::new();
        for given in &self.given {
            let itself = std::slice::from_ref(given);
            let behind = match self.found.get(given) {
                Some(found) if found.is_empty() => itself,
                Some(found) => found,
                None if is_address(given) => itself,
                None => &[],
            };
            for address in behind {
                if addresses.len() < MAX_NAME_SERVERS && !addresses.contains(address) {
                    addresses.push(address.clone());
                }
            }
        }
        addresses
    }
}

/// Whether the host is an address, and not a name.
fn is_address(given: &str) -> bool {
    let host = given.rsplit_once(':').map_or(given, |(host, _)| host);
    host.starts_with('[') || host.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(given: &[&str]) -> ServerNames {
        let mut names = ServerNames::default();
        names.set(&given.iter().map(|given| (*given).to_owned()).collect::<Vec<_>>());
        names
    }

    fn found(addresses: &[&str]) -> io::Result<Vec<SocketAddr>> {
        Ok(addresses.iter().map(|address| address.parse().expect("an address")).collect())
    }

    #[test]
    fn all_addresses_of_a_name_are_servers() {
        let mut names = names(&["10.0.0.1:1", "a.example:2", "[fe80::1%eth0]:3", "b:4"]);
        assert_eq!(names.to_look_up(), ["a.example:2", "b:4"]);
        assert_eq!(names.addresses(), ["10.0.0.1:1", "[fe80::1%eth0]:3"], "names come later");
        names.looked_up("a.example:2", found(&["10.0.0.9:2", "10.0.0.1:1", "[::1]:2"]));
        names.looked_up("b:4", Err(io::ErrorKind::NotFound.into()));
        let all = ["10.0.0.1:1", "10.0.0.9:2", "[::1]:2", "[fe80::1%eth0]:3", "b:4"];
        assert_eq!(names.addresses(), all);
    }

    #[test]
    fn a_name_may_change_and_keeps_what_it_had_when_it_cannot_be_looked_up() {
        let mut names = names(&["a:1"]);
        for (answer, addresses) in [
            (found(&["10.0.0.2:1", "10.0.0.1:1"]), vec!["10.0.0.1:1", "10.0.0.2:1"]),
            (found(&["10.0.0.1:1", "10.0.0.2:1"]), vec!["10.0.0.1:1", "10.0.0.2:1"]),
            (Err(io::ErrorKind::TimedOut.into()), vec!["10.0.0.1:1", "10.0.0.2:1"]),
            (found(&["10.0.0.3:1"]), vec!["10.0.0.3:1"]),
        ] {
            names.looked_up("a:1", answer);
            assert_eq!(names.addresses(), addresses);
        }
        names.set(&["b:1".to_owned()]);
        names.looked_up("a:1", found(&["10.0.0.4:1"]));
        assert!(names.addresses().is_empty(), "nobody wants that name any more");
    }

    #[test]
    fn a_name_with_many_addresses_is_bounded() {
        let mut names = names(&["a:1"]);
        let many = (0..200).map(|last| SocketAddr::from(([10, 0, 0, last], 1))).collect();
        names.looked_up("a:1", Ok(many));
        assert_eq!(names.addresses().len(), MAX_NAME_SERVERS);
    }
}
