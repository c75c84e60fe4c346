//! Topics that a send makes after a model, and attributes of topics made on purpose (protocol 2.7, 14.3).

use cluster::wire::Request;
use serde_json::json;

use crate::bodies::{commit_log_offset, is_route, json, one_record};
use crate::expect::{Columns, Expected, Remark, refused, stored};
use crate::requests::{create_topic, route, send, unique};
use crate::table::{Peer, Seen, Table, body};

/// Rows for brokers as they are.
pub(crate) fn add(table: &mut Table) {
    models(table);
    unit_mode(table);
    attributes(table);
}

/// Rows for brokers with `autoCreateTopicEnable=false`.
pub(crate) fn add_closed(table: &mut Table) {
    let no_route = Expected::code(17).says("No topic route info");
    table.name_server("no route of the default topic", route("TBW102"), no_route);
    let refusal = || refused(17, 17, "topic[T_closed] not exist, apply first please!\nSee http");
    table.broker("unknown topic", send("T_closed", &unique(300)), refusal());
    table.broker("unknown topic in unit mode", send("T_closed", &unique(301)).field("k", true), refusal());
    made(
        table,
        ["cluster name as the model", "route: cluster name as the model"],
        send("T_open", &unique(302)).field("c", "DefaultCluster"),
        [4, 6, 0],
    );
    made(table, ["retry topic", "route: retry topic"], send("%RETRY%CG_closed", &unique(303)), [1, 6, 0]);
    let id = unique(304);
    table.broker("topic made before", create_topic("T_before", 2), done());
    table.broker("send to the topic made before", send("T_before", &id).field("e", 1), stored(&id, 1, 0));
}

fn done() -> Expected {
    Expected::code(0).remark(Remark::Free)
}

/// A send that makes its topic, and the route of that: queues, permission, sysFlag.
fn made(
    table: &mut Table,
    [name, route_name]: [&'static str; 2],
    request: Request,
    [queues, perm, sys_flag]: [i64; 3],
) {
    let field = |name: &str| {
        let found = request.fields.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let topic = field("b");
    let id = field("i").get(9..41).unwrap_or_default().to_owned();
    table.broker(name, request, stored(&id, 0, 0));
    let check = body(move |answer, _| {
        is_route(answer, queues, perm)?;
        let found = json(answer)?["queueDatas"][0]["topicSysFlag"].clone();
        if found == json!(sys_flag) {
            Ok(())
        } else {
            Err(format!("topicSysFlag {found} instead of {sys_flag}"))
        }
    });
    table.until(route_name, Peer::NameServer, move |_| route(&topic), Expected::code(0), check);
}

fn models(table: &mut Table) {
    let by = |n, topic, model| send(topic, &unique(n)).field("c", model).field("d", 99);
    made(
        table,
        ["cluster name as default topic", "route: cluster name as default topic"],
        by(310, "T_of_cluster", "DefaultCluster"),
        [16, 6, 0],
    );
    let model = create_topic("T_model", 3).field("perm", 7).field("topicFilterType", "MULTI_TAG");
    table.broker("model with everything set", model.field("order", true).field("topicSysFlag", 3), done());
    made(
        table,
        ["topic after the model", "route: topic after the model"],
        by(311, "T_of_model", "T_model"),
        [3, 6, 0],
    );
    table.call(
        "the filter type is inherited",
        Peer::Broker,
        |seen: &Seen| {
            let offset = seen.get("topic after the model").map_or(-1, commit_log_offset);
            Request::new(33).field("offset", offset)
        },
        Expected::code(0).json(),
        body(|answer, _| one_record(answer, |record| record.sys_flag == 2)),
    );
    let model = create_topic("T_mute_model", 1).field("perm", 1);
    table.broker(
        "model that nobody may use",
        model.field("readQueueNums", 9).field("writeQueueNums", 2),
        done(),
    );
    made(
        table,
        ["topic that nobody may use", "route: topic that nobody may use"],
        by(312, "T_mute", "T_mute_model"),
        [2, 0, 0],
    );
    let without_queues = refused(1, 29, "request queueId[0] is illegal");
    for (name, topic, count) in [("no queues", "T_none_0", 0), ("fewer than no queues", "T_none_1", -3)] {
        table.broker(name, send(topic, &unique(313)).field("d", count), without_queues.clone());
    }
    let nothing_to_choose = Expected::code(1).says("java.lang.ArithmeticException: / by zero").json();
    let request = send("T_none_0", &unique(314)).field("e", -1);
    table.broker("queue left to the broker where there is none", request, nothing_to_choose);
}

fn unit_mode(table: &mut Table) {
    let unit = |n, topic| send(topic, &unique(n)).field("k", true);
    made(table, ["topic in unit mode", "route: topic in unit mode"], unit(320, "T_unit"), [4, 6, 1]);
    made(
        table,
        ["retry topic in unit mode", "route: retry topic in unit mode"],
        unit(321, "%RETRY%CG_unit"),
        [4, 6, 2],
    );
    let request = unit(322, "%RETRY%CG_unit_two").field("c", "T_nobody");
    made(
        table,
        [
            "retry topic in unit mode without default topic",
            "route: retry topic in unit mode without default topic",
        ],
        request,
        [1, 6, 2],
    );
    made(
        table,
        ["topic before unit mode", "route: topic before unit mode"],
        send("T_before_unit", &unique(323)),
        [4, 6, 0],
    );
    let id = unique(324);
    table.broker("unit mode on a topic that exists", unit(324, "T_before_unit"), stored(&id, 0, 1));
    table.call(
        "route after unit mode",
        Peer::NameServer,
        |_| route("T_before_unit"),
        Expected::code(0),
        body(|answer, _| {
            let flag = json(answer)?["queueDatas"][0]["topicSysFlag"].clone();
            if flag == 0 { Ok(()) } else { Err(format!("topicSysFlag {flag}")) }
        }),
    );
}

/// 4.9.7 looks at none of them.
fn attributes(table: &mut Table) {
    let with = |topic, attributes: &str| create_topic(topic, 2).field("attributes", attributes);
    let mut row = |name, topic, attributes, refusal: Option<&'static str>| {
        let new = refusal.map_or_else(done, |part| Expected::code(1).says(part));
        table.broker(name, with(topic, attributes), Columns::split(done(), new));
    };
    let fixed = Some("attempt to update an unchangeable attribute. key: queue.type");
    row("attributes", "T_attributes", "+queue.type=SimpleCQ,+message.type=NORMAL", None);
    row("changed attribute", "T_attributes", "+message.type=FIFO", None);
    row("unchangeable attribute", "T_attributes", "+queue.type=BatchCQ", fixed);
    row("unchangeable attribute as it is", "T_attributes", "+queue.type=SimpleCQ", fixed);
    row("unchangeable attribute taken away", "T_attributes", "-queue.type", fixed);
    let only_add = Some("only add attribute is supported while creating topic. key: message.type");
    row("attribute taken from a new topic", "T_attributes_1", "-message.type", only_add);
    row("unknown attribute", "T_attributes_1", "+no.such=1", Some("unsupported key: no.such"));
    let in_set = Some("value is not in set: [SimpleCQ, BatchCQ]");
    row("attribute of another value", "T_attributes_1", "+queue.type=Other", in_set);
    let format = Some("add/alter attribute format is wrong: queue.type");
    row("attribute without a sign", "T_attributes_1", "queue.type=BatchCQ", format);
}
