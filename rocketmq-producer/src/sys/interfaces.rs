//! The interfaces of this machine: the address that client ids and unique ids carry, and their numbers.

use std::ffi::{CStr, CString};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::ptr;

/// The address of a network interface that others may reach; 127.0.0.1 if there is none. Asks the system each
/// time.
pub(crate) fn local_ip() -> IpAddr {
    choose(interface_addresses()).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// The number of a network interface, which is what a scope of an IPv6 address comes to.
///
/// # Errors
///
/// There is no interface of this name.
pub(crate) fn interface_index(name: &str) -> io::Result<u32> {
    let unknown =
        || io::Error::new(io::ErrorKind::NotFound, format!("there is no network interface {name:?}"));
    let text = CString::new(name).map_err(|_| unknown())?;
    // SAFETY: the pointer is to a C string that lives as long as the call.
    match unsafe { libc::if_nametoindex(text.as_ptr()) } {
        0 => Err(unknown()),
        index => Ok(index),
    }
}

/// IPv4 before IPv6, the first public address before the last private one (protocol 4.3); addresses that hold on
/// one link only when there is nothing better.
fn choose(addresses: impl IntoIterator<Item = IpAddr>) -> Option<IpAddr> {
    let mut best: Option<(u8, IpAddr)> = None;
    for address in addresses {
        let rank = match address {
            IpAddr::V4(v4) if v4.is_link_local() => 3,
            IpAddr::V4(v4) if v4.is_private() => 1,
            IpAddr::V4(_) => 0,
            IpAddr::V6(v6) if v6.is_unicast_link_local() => 4,
            IpAddr::V6(_) => 2,
        };
        let better = |kept: u8| rank < kept || (rank == kept && rank == 1);
        if !(address.is_loopback() || address.is_unspecified()) && best.is_none_or(|(kept, _)| better(kept)) {
            best = Some((rank, address));
        }
    }
    best.map(|(_, address)| address)
}

/// The list `getifaddrs` gives, freed when dropped.
struct InterfaceList(*mut libc::ifaddrs);

impl Drop for InterfaceList {
    fn drop(&mut self) {
        // SAFETY: the list came from `getifaddrs`, and nothing that is left points into it.
        unsafe { libc::freeifaddrs(self.0) };
    }
}

fn interface_addresses() -> Vec<IpAddr> {
    let mut first = ptr::null_mut();
    // SAFETY: `first` is a valid place for the head of the list.
    if unsafe { libc::getifaddrs(&mut first) } != 0 {
        return Vec::new();
    }
    let list = InterfaceList(first);
    let mut addresses = Vec::new();
    let mut next = list.0;
    // SAFETY: each link of the list is null or points to an entry that lives as long as `list`.
    while let Some(entry) = unsafe { next.as_ref() } {
        next = entry.ifa_next;
        // SAFETY: the entry's pointers are null or valid as long as `list`.
        if let Some(address) = unsafe { usable_address(entry) } {
            addresses.push(address);
        }
    }
    addresses
}

/// The address of an entry, unless the interface is down, a loopback, a bridge, virtual or point-to-point.
///
/// # Safety
///
/// `ifa_name` must be null or a C string, and `ifa_addr` null or an address of the size its family has.
unsafe fn usable_address(entry: &libc::ifaddrs) -> Option<IpAddr> {
    const REFUSED: libc::c_int = libc::IFF_LOOPBACK | libc::IFF_POINTOPOINT;
    // The bits are what counts; the field is unsigned, the constants are not.
    let flags = entry.ifa_flags as libc::c_int;
    if flags & libc::IFF_UP == 0
        || flags & REFUSED != 0
        || entry.ifa_addr.is_null()
        || entry.ifa_name.is_null()
    {
        return None;
    }
    // SAFETY: not null, so the caller vouches for a C string.
    let name = unsafe { CStr::from_ptr(entry.ifa_name) }.to_string_lossy();
    // An alias such as `eth0:1` is Java's virtual interface.
    if name.contains(':') || Path::new("/sys/class/net").join(&*name).join("bridge").exists() {
        return None;
    }
    // SAFETY: not null, so the caller vouches for an address, which begins with its family.
    let family = unsafe { (*entry.ifa_addr).sa_family };
    match libc::c_int::from(family) {
        libc::AF_INET => {
            // SAFETY: an address of this family has this size; it need not be aligned for it.
            let address = unsafe { ptr::read_unaligned(entry.ifa_addr.cast::<libc::sockaddr_in>()) };
            Some(Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: an address of this family has this size; it need not be aligned for it.
            let address = unsafe { ptr::read_unaligned(entry.ifa_addr.cast::<libc::sockaddr_in6>()) };
            Some(Ipv6Addr::from(address.sin6_addr.s6_addr).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn chosen(addresses: &[&str], expected: Option<&str>) {
        let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(choose(addresses), expected.map(|text| text.parse().unwrap()));
    }

    #[test]
    fn the_first_public_ipv4_wins() {
        chosen(&["10.0.0.1", "2001:db8::1", "8.8.4.4", "8.8.8.8", "192.168.0.1"], Some("8.8.4.4"));
    }

    #[test]
    fn the_last_private_ipv4_comes_next() {
        chosen(&["10.0.0.1", "2001:db8::1", "172.16.0.1", "192.168.0.1", "fe80::1"], Some("192.168.0.1"));
    }

    #[test]
    fn the_first_ipv6_comes_before_addresses_of_one_link() {
        chosen(&["fe80::1", "169.254.1.1", "fd00::1", "2001:db8::1"], Some("fd00::1"));
        chosen(&["fe80::1", "169.254.1.1"], Some("169.254.1.1"));
        chosen(&["fe80::1", "fe80::2"], Some("fe80::1"));
    }

    #[test]
    fn loopback_is_no_address_to_be_known_by() {
        chosen(&["127.0.0.1", "::1", "0.0.0.0", "::"], None);
        chosen(&[], None);
    }

    #[test]
    fn this_machine_has_an_address() {
        let address = local_ip();
        assert!(!address.is_unspecified());
        let known = interface_addresses();
        assert!(known.contains(&address) || address == IpAddr::V4(Ipv4Addr::LOCALHOST));
    }

    #[test]
    fn entries_that_are_no_use_are_skipped() {
        // SAFETY: all members are integers and pointers, for which zero is a value.
        let mut entry: libc::ifaddrs = unsafe { std::mem::zeroed() };
        // SAFETY: all members are integers, for which zero is a value.
        let mut address: libc::sockaddr_in = unsafe { std::mem::zeroed() };
        address.sin_family = libc::AF_INET as libc::sa_family_t;
        address.sin_addr.s_addr = u32::from(Ipv4Addr::new(10, 1, 2, 3)).to_be();
        entry.ifa_name = c"rmq-none0".as_ptr().cast_mut();
        entry.ifa_addr = (&raw mut address).cast();
        let up = libc::IFF_UP as libc::c_uint;
        let usable = |flags, change: fn(&mut libc::ifaddrs)| {
            let mut entry = libc::ifaddrs { ifa_flags: flags, ..entry };
            change(&mut entry);
            // SAFETY: name and address are valid, or null.
            unsafe { usable_address(&entry) }
        };
        assert_eq!(usable(up, |_| ()), Some(IpAddr::from([10, 1, 2, 3])));
        assert_eq!(usable(0, |_| ()), None);
        assert_eq!(usable(up | libc::IFF_LOOPBACK as libc::c_uint, |_| ()), None);
        assert_eq!(usable(up | libc::IFF_POINTOPOINT as libc::c_uint, |_| ()), None);
        assert_eq!(usable(up, |entry| entry.ifa_name = c"eth0:1".as_ptr().cast_mut()), None);
        assert_eq!(usable(up, |entry| entry.ifa_addr = ptr::null_mut()), None);
    }
}
