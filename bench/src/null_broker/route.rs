//! The one route that every topic has.

use std::net::SocketAddr;

use serde_json::json;

/// Broker name of the only broker, and in field `n` of the raw clients' sends; the second of several is
/// `null-broker-1`.
pub(crate) const BROKER_NAME: &str = "null-broker";

pub(super) fn broker_name(number: usize) -> String {
    match number {
        0 => BROKER_NAME.to_owned(),
        number => format!("{BROKER_NAME}-{number}"),
    }
}

/// Body of the answer to a route request: `queues` writable queues on each broker.
pub(super) fn body(brokers: &[SocketAddr], queues: u32) -> Vec<u8> {
    let named = || brokers.iter().enumerate().map(|(number, address)| (broker_name(number), address));
    let queue_data = |(name, _)| {
        json!({
            "brokerName": name, "perm": 6, "readQueueNums": queues, "writeQueueNums": queues, "topicSysFlag": 0,
        })
    };
    let broker_data = |(name, address): (String, &SocketAddr)| {
        json!({
            "brokerAddrs": {"0": address.to_string()}, "brokerName": name, "cluster": "DefaultCluster",
            "enableActingMaster": false,
        })
    };
    json!({
        "brokerDatas": named().map(broker_data).collect::<Vec<_>>(),
        "filterServerTable": {},
        "queueDatas": named().map(queue_data).collect::<Vec<_>>(),
    })
    .to_string()
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_broker_is_named_with_its_address_and_queues() {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let route: serde_json::Value = serde_json::from_slice(&body(&[address(1), address(2)], 5)).unwrap();
        for (number, name) in ["null-broker", "null-broker-1"].into_iter().enumerate() {
            let (broker, queues) = (&route["brokerDatas"][number], &route["queueDatas"][number]);
            assert_eq!((&broker["brokerName"], &queues["brokerName"]), (&json!(name), &json!(name)));
            assert_eq!(broker["brokerAddrs"]["0"], json!(format!("127.0.0.1:{}", number + 1)));
            assert_eq!(queues["writeQueueNums"], json!(5));
        }
    }
}
