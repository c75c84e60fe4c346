//! The second port of a broker (protocol 3.6).

use std::net::{SocketAddr, TcpStream};

use rocketmq_mock::{MockCluster, MockOptions};
use rocketmq_protocol::codes::request;
use rocketmq_protocol::ids::OffsetMessageId;

use crate::support::{PATIENCE, Send, Wire, broker};

fn vip_address(cluster: &MockCluster, broker: &str) -> String {
    let mut address: SocketAddr = cluster.broker_address(broker).unwrap().parse().unwrap();
    address.set_port(address.port() - 2);
    address.to_string()
}

#[test]
fn both_ports_lead_to_one_broker() {
    let (cluster, mut wire) = broker();
    let mut vip = Wire::connect(&vip_address(&cluster, "broker-0"));
    cluster.set_recording(true);
    assert_eq!(wire.send(&Send::to("Orders")).number("queueOffset"), 0);
    let reply = vip.send(&Send::to("Orders"));
    assert_eq!(reply.number("queueOffset"), 1);
    let id: OffsetMessageId = reply.field("msgId").unwrap().parse().unwrap();
    assert_eq!(id.address.to_string(), cluster.broker_address("broker-0").unwrap());
    let came_to_vip: Vec<bool> = cluster.requests().iter().map(|request| request.vip).collect();
    assert_eq!(came_to_vip, [false, true]);
    assert_eq!(cluster.connection_count("broker-0"), 2);
    let heartbeat = br#"{"clientID":"c","consumerDataSet":[],"producerDataSet":[{"groupName":"PG"}]}"#;
    assert_eq!(vip.call(request::HEART_BEAT, &[], heartbeat).code, 0);
    assert_eq!(cluster.registrations().len(), 1);
}

#[test]
fn both_ports_go_and_come_back_together() {
    let (cluster, _wire) = broker();
    let addresses = [cluster.broker_address("broker-0").unwrap(), vip_address(&cluster, "broker-0")];
    let mut wires = addresses.each_ref().map(|address| Wire::connect(address));
    assert!(cluster.wait_until(PATIENCE, |cluster| cluster.connection_count("broker-0") == 3));
    cluster.stop_broker("broker-0").unwrap();
    for wire in &mut wires {
        assert_eq!(wire.end(), std::io::ErrorKind::ConnectionReset);
    }
    for address in &addresses {
        assert!(TcpStream::connect(address).is_err());
    }
    cluster.start_broker("broker-0").unwrap();
    for address in &addresses {
        assert_eq!(Wire::connect(address).send(&Send::to("Orders")).code, 0);
    }
}

#[test]
fn every_broker_of_several_clusters_has_its_pair() {
    let start = || MockCluster::start(MockOptions { brokers: 50, ..MockOptions::default() }).unwrap();
    let clusters = [(); 4].map(|()| start());
    for cluster in &clusters {
        for name in cluster.broker_names() {
            let mut wire = Wire::connect(&vip_address(cluster, &name));
            assert_eq!(wire.send(&Send::to(&name)).code, 0);
            assert_eq!(cluster.queue_counts(&name), [((name.clone(), 0), 1)]);
        }
    }
}
