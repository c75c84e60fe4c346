//! The way to the broker: one route request to the name server, then a plain connection.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::Failure;
use crate::workload::Workload;

/// Connects to the first master on the topic's route.
pub(super) fn to_broker(work: &Workload) -> Result<TcpStream, Failure> {
    let mut name_server = TcpStream::connect(&work.name_server)?;
    let header = serde_json::json!({
        "code": 105, "flag": 0, "language": "JAVA", "opaque": 0, "version": 473,
        "extFields": {"topic": work.topic, "acceptStandardJsonOnly": "true"},
    })
    .to_string();
    name_server.write_all(&(4 + header.len() as u32).to_be_bytes())?;
    name_server.write_all(&(header.len() as u32).to_be_bytes())?;
    name_server.write_all(header.as_bytes())?;

    let mut lengths = [0; 8];
    name_server.read_exact(&mut lengths)?;
    let word = |at: usize| {
        u32::from_be_bytes([lengths[at], lengths[at + 1], lengths[at + 2], lengths[at + 3]]) as usize
    };
    let (frame_len, header_len) = (word(0), word(4) & 0x00ff_ffff);
    let mut rest = vec![0; frame_len.saturating_sub(4)];
    name_server.read_exact(&mut rest)?;
    let route = rest.get(header_len..).unwrap_or_default();
    let address = broker_address(route).ok_or_else(|| {
        format!("no broker on the route of topic {:?}: {}", work.topic, String::from_utf8_lossy(&rest))
    })?;
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn broker_address(route: &[u8]) -> Option<String> {
    let route: serde_json::Value = serde_json::from_slice(route).ok()?;
    Some(route["brokerDatas"][0]["brokerAddrs"]["0"].as_str()?.to_owned())
}
