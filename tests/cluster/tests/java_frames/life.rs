//! A client's whole life: what it sends to which server beside its messages, from the start to the close.

use std::collections::BTreeSet;

use rocketmq_mock::{MockCluster, NAME_SERVER, RecordedRequest};
use rocketmq_protocol::codes::{request, request_name};

use crate::allowed::INNER_GROUP;
use crate::clients::Scene;
use crate::comparison::{Comparison, ONE_BROKER, OTHER_BROKER, create_topic};
use crate::outgoing::{Outgoing, Place};
use crate::traffic::Traffic;

impl Comparison {
    /// One message to one of two brokers; both brokers get to know the client.
    /// Without `is_named` each makes up its client id.
    pub(crate) fn life(&mut self, settings: &[(&str, &str)], wire_topic: &str, is_named: bool) {
        let case = format!("start and end with {settings:?}");
        let prepare = |cluster: &MockCluster| {
            create_topic(cluster, wire_topic, &[(ONE_BROKER, 1), (OTHER_BROKER, 1)]);
        };
        let scene = Scene { settings, is_named, with_heartbeats: true, ..Scene::new(2, &prepare) };
        let message = Outgoing { place: Place::Last, ..Outgoing::new("the only one") };
        let Some((java, ours)) = self.send(&case, &scene, &[message]) else { return };
        self.compare_all(&case, &java, &ours, &[wire_topic], None);

        let (java_kinds, our_kinds) = (kinds(&java), kinds(&ours));
        if java_kinds != our_kinds {
            self.fail(&case, &format!("Java sent {java_kinds:?}, librmq {our_kinds:?}"));
        }
        for (who, traffic) in [("Java", &java), ("librmq", &ours)] {
            if traffic.requests.first().is_none_or(|first| first.server != NAME_SERVER) {
                self.fail(&case, &format!("{who} did not ask the name server first"));
            }
        }
        // Java's heartbeat for a new connection may come after its farewell.
        for late in after_farewell(&ours) {
            let (server, code) = (&late.server, late.code);
            self.fail(&case, &format!("librmq sent {server} code {code} after the farewell"));
        }
        for broker in [ONE_BROKER, OTHER_BROKER] {
            let heartbeats = [&java, &ours].map(|traffic| first(traffic, request::HEART_BEAT, broker));
            let farewells = [&java, &ours].map(|traffic| farewells(traffic, broker));
            let [java_heartbeat, our_heartbeat] = &heartbeats;
            self.compare(&case, (&java, java_heartbeat), (&ours, our_heartbeat), None);
            let [java_farewells, our_farewells] = &farewells;
            self.compare(&case, (&java, java_farewells), (&ours, our_farewells), None);
        }
    }
}

/// Which server gets which requests, at which of its ports.
fn kinds(traffic: &Traffic) -> BTreeSet<(&str, bool, &str)> {
    let name = |code| request_name(code).unwrap_or("a request without a name");
    traffic.requests.iter().map(|request| (&*request.server, request.vip, name(request.code))).collect()
}

/// What a broker gets after a group was taken out.
fn after_farewell(traffic: &Traffic) -> impl Iterator<Item = &RecordedRequest> {
    [ONE_BROKER, OTHER_BROKER].into_iter().flat_map(|broker| {
        let requests = traffic.requests.iter().filter(move |request| request.server == broker);
        let from_farewell = requests.skip_while(|request| request.code != request::UNREGISTER_CLIENT);
        from_farewell.filter(|request| request.code != request::UNREGISTER_CLIENT)
    })
}

fn first<'t>(traffic: &'t Traffic, code: i32, server: &str) -> Vec<&'t RecordedRequest> {
    traffic.of_code(code).filter(|request| request.server == server).take(1).collect()
}

/// What takes the group out at this broker. Java takes a producer of its own out too.
fn farewells<'t>(traffic: &'t Traffic, broker: &str) -> Vec<&'t RecordedRequest> {
    let all = traffic.of_code(request::UNREGISTER_CLIENT).filter(|request| request.server == broker);
    all.filter(|request| request.field("producerGroup") != Some(INNER_GROUP)).collect()
}
