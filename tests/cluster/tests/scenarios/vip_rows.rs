//! The second port of a broker (protocol 3.6).

use std::net::SocketAddr;

use cluster::wire::{Answer, Request};

use crate::expect::{Expected, stored};
use crate::requests::{about_queue, send, unique};
use crate::table::{Peer, Seen, Table, body};

/// The address of the VIP port of a broker.
pub(crate) fn vip_address(broker: &str) -> String {
    let mut address: SocketAddr = broker.parse().expect("ip:port");
    address.set_port(address.port() - 2);
    address.to_string()
}

pub(crate) fn add(table: &mut Table) {
    let id = unique(200);
    table.broker("send before the one through the VIP port", send("T_vip", &id), stored(&id, 0, 0));
    let id = unique(201);
    table.call(
        "send through the VIP port",
        Peer::Vip,
        move |_| send("T_vip", &unique(201)),
        stored(&id, 0, 1),
        body(names_the_main_port),
    );
    table.until(
        "maximum offset through the VIP port",
        Peer::Vip,
        |_| about_queue(30, "T_vip", 0),
        Expected::code(0).is("offset", 2),
        None,
    );
    let unsupported = Expected::code(3).says(" request type 9999 not supported");
    table.call("unknown request at the VIP port", Peer::Vip, |_| Request::new(9999), unsupported, None);
}

/// The id of a message has the store host of one that came to the main port: 8 digits of address, 8 of port.
fn names_the_main_port(answer: &Answer, seen: &Seen) -> Result<(), String> {
    let host =
        |answer: Option<&Answer>| answer.and_then(|a| a.fields.get("msgId")?.get(..16)).map(str::to_owned);
    let (this, other) = (host(Some(answer)), host(seen.get("send before the one through the VIP port")));
    if this.is_some() && this == other { Ok(()) } else { Err(format!("store host {this:?} and {other:?}")) }
}
