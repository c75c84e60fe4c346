//! Routes, topics made on purpose, heartbeats, and frames that end a connection (protocol 1.1, 2.5 to 2.7, 3.1).

use cluster::Version;
use cluster::launcher::ZONE;
use cluster::wire::{Answer, Request};
use serde_json::json;

use crate::bodies::{contains, is_route, json};
use crate::expect::{Columns, Expected, refused, stored};
use crate::requests::{create_topic, route, send, unique};
use crate::table::{Peer, Table, body};

pub(crate) fn add(table: &mut Table) {
    routes(table);
    zones(table);
    topics(table);
    clients(table);
    frames(table);
}

fn routes(table: &mut Table) {
    let unknown = |part| Expected::code(17).says(part);
    let columns = Columns::split(
        unknown("for the topic: T_unknown\nSee http://rocketmq.apache.org/docs/faq/ for further details."),
        unknown(
            "for the topic: T_unknown\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.",
        ),
    );
    table.name_server("route of an unknown topic", route("T_unknown"), columns);
    let quoted = |name, request: Request, is_quoted| {
        let check = body(move |answer, _| {
            contains(answer, "{\"0\":", is_quoted)?;
            contains(answer, "{0:", !is_quoted)?;
            is_route(answer, 8, 7)
        });
        (name, request, check)
    };
    let rows = [
        quoted("route for an old version", route("TBW102").version(399), false),
        quoted("route for a new version", route("TBW102").version(401), true),
        quoted(
            "route for an old version in standard JSON",
            route("TBW102").version(0).field("acceptStandardJsonOnly", true),
            true,
        ),
        quoted("route asked for in JSON", route("TBW102").json(), true),
    ];
    for (name, request, check) in rows {
        table.call(name, Peer::NameServer, move |_| request.clone(), Expected::code(0), check);
    }
    table.call(
        "brokers of the cluster",
        Peer::NameServer,
        |_| Request::new(106),
        Expected::code(0),
        body(|answer, _| {
            contains(answer, "{0:", true)?;
            let info = json(answer)?;
            let address =
                info["brokerAddrTable"]["broker-0"]["brokerAddrs"]["0"].as_str().unwrap_or_default();
            let names = &info["clusterAddrTable"]["DefaultCluster"];
            let fits = address.starts_with("127.0.0.1:") && names[0] == "broker-0";
            if fits { Ok(()) } else { Err(info.to_string()) }
        }),
    );
}

/// What a client in zone mode is told; 4.9.7 tells it what it tells everybody.
fn zones(table: &mut Table) {
    let in_zone = |mode: &str, zone: &str| {
        let quoted = route("TBW102").field("acceptStandardJsonOnly", true);
        quoted.field("__ZONE_MODE", mode).field("__ZONE_NAME", zone)
    };
    let is_5 = |answer: &Answer| answer.version > Version::V4_9_7.ordinal();
    let mut seen_as = |name, request: Request, filtered: bool, found: bool| {
        let check = body(move |answer, _| {
            let filtered = filtered && is_5(answer);
            if filtered && !found {
                let route = json(answer)?;
                let empty = ["brokerDatas", "queueDatas"].iter().all(|list| route[list] == json!([]));
                return if empty { Ok(()) } else { Err(format!("route {route}, should be empty")) };
            }
            contains(answer, "{0:", filtered)?;
            contains(answer, "\"zoneName\":\"zone-a\"", is_5(answer))?;
            is_route(answer, 8, 7)
        });
        table.call(name, Peer::NameServer, move |_| request.clone(), Expected::code(0), check);
    };
    seen_as("route of the own zone", in_zone("true", ZONE), true, true);
    seen_as("route of the own zone in other letters", in_zone("True", "ZONE-A"), true, true);
    seen_as("route of another zone", in_zone("true", "zone-b"), true, false);
    seen_as("route without zone mode", in_zone("false", "zone-b"), false, true);
    seen_as("route in zone mode without a zone", in_zone("true", " "), false, true);
    let unknown = Expected::code(17).says("No topic route info");
    let request = in_zone("true", ZONE).field("topic", "T_unknown");
    table.name_server("unknown topic in zone mode", request, unknown);
}

fn topics(table: &mut Table) {
    let made = || Expected::code(0).remark(crate::expect::Remark::Free);
    table.broker("topic made on purpose", create_topic("T_made", 16), made());
    table.until(
        "route of the topic made on purpose",
        Peer::NameServer,
        |_| route("T_made"),
        Expected::code(0),
        body(|answer, _| is_route(answer, 16, 6)),
    );
    let id = unique(100);
    table.broker("send to its last queue", send("T_made", &id).field("e", 15), stored(&id, 15, 0));
    table.broker("topic made again with fewer queues", create_topic("T_made", 3), made());
    table.until(
        "route after the change",
        Peer::NameServer,
        |_| route("T_made"),
        Expected::code(0),
        body(|answer, _| is_route(answer, 3, 6)),
    );
    let request = send("T_made", &unique(101)).field("e", 15);
    table.broker("send to a queue that is gone", request, refused(1, 29, "request queueId[15] is illegal"));
    let read_only = create_topic("T_read_only", 2).field("perm", 4);
    table.broker("read-only topic made on purpose", read_only, made());
    let id = unique(102);
    table.broker("write permission is the client's affair", send("T_read_only", &id), stored(&id, 0, 0));
    let refusal = |part| Columns::split(Expected::code(1).says(part), Expected::code(29).says(part));
    table.broker("bad name for a topic", create_topic("T bad", 1), refusal("The specified topic"));
    table.broker("system name for a topic", create_topic("TBW102", 1), refusal("system topic"));
}

fn clients(table: &mut Table) {
    let heartbeat = r#"{"clientID":"127.0.0.1@scenarios","consumerDataSet":[],"heartbeatFingerprint":0,
        "producerDataSet":[{"groupName":"PG_scenarios"}],"withoutSub":false}"#;
    let known = Columns::all(Expected::code(0))
        .map_new(|e| e.is("IS_SUPPORT_HEART_BEAT_V2", true).is("IS_SUB_CHANGE", true));
    table.broker("heartbeat", Request::new(34).body(heartbeat), known);
    let unregister = Request::new(35).field("clientID", "127.0.0.1@scenarios");
    let unregister = unregister.field("producerGroup", "PG_scenarios");
    table.broker("unregister", unregister.clone(), Expected::code(0));
    table.broker("unregister again", unregister, Expected::code(0));
}

/// At least 12 bytes each: 5.x looks for a proxy preamble of that length before it reads a frame.
fn frames(table: &mut Table) {
    let frame = |words: [u32; 2], rest: &[u8]| {
        let mut bytes = words.map(u32::to_be_bytes).concat();
        bytes.extend(rest);
        bytes
    };
    let json = br#"{"code":105}"#;
    table.closes("frame longer than the limit", &frame([16_777_213, 12], json));
    table.closes("negative frame length", &frame([u32::MAX, 12], json));
    table.closes("header longer than its frame", &frame([16, 13], json));
    table.closes("unknown header encoding", &frame([16, 0x0700_000C], json));
    table.closes("JSON header that is none", &frame([16, 12], br#"{"code":105["#));
    table.closes("binary header too short", &frame([16, 0x0100_000C], &[0; 12]));
}
