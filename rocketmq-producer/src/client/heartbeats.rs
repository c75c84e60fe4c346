//! What brokers are told of the groups of a client: that they are here, and that one is gone.

use std::sync::Arc;
use std::time::Duration;

use rocketmq_protocol::codes::{request, response};
use rocketmq_protocol::encode::NoFields;
use rocketmq_protocol::heartbeat::HeartbeatData;
use rocketmq_protocol::requests::UnregisterClientRequest;
use tokio::task::JoinSet;

use super::instance::ClientInstance;
use crate::auth::Refusal;
use crate::log::LogTarget;
use crate::remoting::{Channel, call};
use crate::routing::MAX_HEARTBEAT_CONNECTIONS;

impl ClientInstance {
    /// Tells a broker which groups are here. Brokers ask them about transactions and forget them after 120 s.
    pub(super) async fn heartbeat(&self, channel: &Arc<Channel>) {
        let groups = self.groups.names();
        if groups.is_empty() {
            return;
        }
        let body = HeartbeatData { client_id: self.client_id.clone(), producer_groups: groups }.to_json();
        match call(channel, request::HEART_BEAT, NoFields, body, self.api_timeout).await {
            Ok(answer) if answer.code == response::SUCCESS => {}
            Ok(answer) => {
                let remark = answer.remark.as_deref();
                let shown = remark.unwrap_or_default();
                let text =
                    format!("heartbeat refused by {}: code {} {shown}", channel.address(), answer.code);
                match Refusal::of(answer.code, remark) {
                    Some(refusal) => self.remoting.signing().tell_refusal(&format!("{text} ({refusal})")),
                    None => self.log.warn(LogTarget::Client, || text),
                }
            }
            Err(failure) => {
                self.log.info(LogTarget::Client, || {
                    format!("heartbeat to {} failed: {:?}", channel.address(), failure.kind)
                });
            }
        }
    }

    /// Sends heartbeats to all masters at once, so that a silent one delays nobody. No more connections are opened for them than
    /// a program has descriptors for: masters that get messages come first.
    pub(super) async fn heartbeat_round(self: Arc<Self>) {
        let mut round = JoinSet::new();
        let (connected, others): (Vec<_>, Vec<_>) =
            self.brokers.masters().into_iter().partition(|broker| broker.channel.is_open());
        let more = MAX_HEARTBEAT_CONNECTIONS.saturating_sub(connected.len());
        for broker in connected.into_iter().chain(others.into_iter().take(more)) {
            let instance = Arc::clone(&self);
            round.spawn(async move { instance.heartbeat(&broker.channel).await });
        }
        while round.join_next().await.is_some() {}
    }

    /// Tells the brokers that the group is gone, each within the timeout, all at the same time. The group is free meanwhile: if
    /// another producer has taken it, the brokers hear that it is here, after they were told that it is gone.
    pub(crate) async fn tell_unregistered(&self, group: &str, timeout: Duration) {
        let mut told = JoinSet::new();
        for broker in self.brokers.masters() {
            if !broker.channel.is_open() {
                continue;
            }
            let fields = UnregisterClientRequest {
                client_id: self.client_id.clone().into(),
                producer_group: Some(group.to_owned().into()),
                consumer_group: None,
            };
            let timeout = timeout.min(self.api_timeout);
            told.spawn(async move {
                call(&broker.channel, request::UNREGISTER_CLIENT, fields, Vec::new(), timeout).await
            });
        }
        while let Some(answer) = told.join_next().await {
            if let Ok(Err(failure)) = answer {
                self.log.debug(LogTarget::Client, || format!("unregister {group}: {:?}", failure.kind));
            }
        }
        if let (true, Some(instance)) = (self.groups.is_taken(group), self.myself.upgrade()) {
            self.in_background("a heartbeat round", instance.heartbeat_round());
        }
    }
}

#[cfg(test)]
mod tests {
    use rocketmq_mock::{MockCluster, MockOptions};

    use super::*;
    use crate::config::{Config, Settings};

    const PATIENCE: Duration = Duration::from_secs(30);

    #[test]
    fn a_farewell_after_which_the_group_is_taken_is_followed_by_a_heartbeat() {
        let cluster = MockCluster::start(MockOptions::default()).expect("a mock cluster");
        cluster.create_topic("T", 4, 4, 6, None);
        let mut config = Config::new();
        let keys = [("producer.group", "group"), ("topics", "T"), ("heartbeat.interval.ms", "100000")];
        for (key, value) in keys.into_iter().chain([("name.server", &*cluster.name_server())]) {
            config.set(key, value).expect(key);
        }
        let settings = Settings::read(&config).expect("settings");
        let instance = ClientInstance::join(&settings).expect("an instance");
        let is_known = |known| cluster.wait_until(PATIENCE, |cluster| cluster.registrations().len() == known);
        instance.routes.warm_up("T");
        // That of the new connection, and the first of the scheduled ones: there is no other for longer than this test waits.
        assert!(cluster.wait_until(PATIENCE, |cluster| cluster.request_count(request::HEART_BEAT) >= 2));
        assert!(is_known(1));
        let leave = || {
            let (io, instance) = (instance.process.process().io.clone(), Arc::clone(&instance));
            io.block_on(async move { instance.tell_unregistered("group", PATIENCE).await });
        };
        leave();
        assert!(is_known(1), "the group is still taken: the brokers are to know it");
        instance.deregister("group");
        leave();
        assert!(is_known(0));
    }
}
