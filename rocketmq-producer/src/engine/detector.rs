//! The background detector of the latency fault tolerance (protocol 6.3).

use std::sync::Weak;
use std::time::Duration;

use rocketmq_protocol::codes::{request, response};
use rocketmq_protocol::requests::QueueRequest;
use tokio::time::{MissedTickBehavior, interval};

use crate::client::ClientInstance;
use crate::remoting::call;
use crate::routing::FaultStrategy;

/// Probes the unreachable brokers until the producer is gone. A probe asks for the end of a queue; any topic
/// will do, and only an answer with code 0 counts.
pub(crate) async fn run(
    faults: Weak<FaultStrategy>,
    client: Weak<ClientInstance>,
    period: Duration,
    timeout: Duration,
) {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let (Some(faults), Some(client)) = (faults.upgrade(), client.upgrade()) else { return };
        let Some(topic) = client.routes.any_topic() else { continue };
        for broker in faults.unreachable() {
            let Some(target) = client.brokers.broker(&broker).master() else { continue };
            let fields = QueueRequest {
                topic: topic.to_string().into(),
                queue_id: 0,
                committed: None,
                broker_name: Some(broker.to_string().into()),
            };
            let answer = call(&target.channel, request::GET_MAX_OFFSET, fields, Vec::new(), timeout).await;
            if answer.is_ok_and(|answer| answer.code == response::SUCCESS) {
                faults.reached(&broker);
            }
        }
    }
}
