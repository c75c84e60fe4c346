//! Sends: what the broker accepts, refuses, and answers (protocol 14.1 to 14.3, 14.6).

use crate::bodies::is_route;
use crate::expect::{Columns, Expected, Value, processed, refused, stored};
use crate::requests::{BODY_LIMIT, about_queue, properties, route, send, send_v1, send_with, unique};
use crate::table::{Peer, Table, body};

pub(crate) fn add(table: &mut Table) {
    accepted(table);
    auto_creation(table);
    refused_names(table);
    queue_ids(table);
    sizes(table);
    delays(table);
    groups(table);
    before_the_processor(table);
}

fn accepted(table: &mut Table) {
    let id = unique(1);
    table.broker("send creates the topic", send("T_plain", &id), stored(&id, 0, 0));
    table.until(
        "route of the created topic",
        Peer::NameServer,
        |_| route("T_plain"),
        Expected::code(0),
        body(|answer, _| is_route(answer, 4, 6)),
    );
    let id = unique(2);
    let request = send_with("T_plain", &id, &[("KEYS", "k1 k2"), ("TAGS", "A"), ("Größe", "grün")]);
    table.broker("second send", request.field("h", 7), stored(&id, 0, 1));
    let id = unique(3);
    table.broker("each queue counts for itself", send("T_plain", &id).field("e", 3), stored(&id, 3, 0));
    let id = unique(4);
    table.broker("long header names", send_v1("T_plain", &id), stored(&id, 0, 2));
    let id = unique(5);
    table.broker("JSON header", send("T_plain", &id).json(), stored(&id, 0, 3));
    let id = unique(6);
    table.broker("JSON header, long names", send_v1("T_plain", &id).json(), stored(&id, 0, 4));
    let id = unique(7);
    let request = send("T_plain", &id).field("i", properties(&[("UNIQ_KEY", &id), ("WAIT", "false")]));
    table.broker("not waiting for the store", request, stored(&id, 0, 5));
    let request = send("T_plain", "").field("i", properties(&[("WAIT", "true")]));
    let made = stored("", 0, 6).map_new(|expected| expected.field("transactionId", Value::UniqueId));
    table.broker("no unique id", request, made.clone());
    table.broker(
        "no properties",
        send("T_plain", "").without("i"),
        made.map(|expected| expected.is("queueOffset", 7)),
    );
    let id = unique(8);
    table.broker("version 0", send("T_plain", &id).version(0), stored(&id, 0, 8));
    let id = unique(9);
    let request = send("T_plain", &id).without("n").without("k").without("m").without("j");
    table.broker("only the required fields", request, stored(&id, 0, 9));
    let id = unique(10);
    table.oneway("one-way send", send("T_plain", &id));
    table.until(
        "maximum offset after the one-way send",
        Peer::Broker,
        |_| about_queue(30, "T_plain", 0),
        Expected::code(0).is("offset", 11),
        None,
    );
}

fn auto_creation(table: &mut Table) {
    let id = unique(20);
    table.broker("fewer queues than the default topic", send("T_two", &id).field("d", 2), stored(&id, 0, 0));
    table.until(
        "route with the header's queue count",
        Peer::NameServer,
        |_| route("T_two"),
        Expected::code(0),
        body(|answer, _| is_route(answer, 2, 6)),
    );
    let id = unique(21);
    table.broker(
        "more queues than the default topic",
        send("T_many", &id).field("d", 100),
        stored(&id, 0, 0),
    );
    table.until(
        "route with the default topic's queue count",
        Peer::NameServer,
        |_| route("T_many"),
        Expected::code(0),
        body(|answer, _| is_route(answer, 8, 6)),
    );
    let unknown = refused(17, 17, "not exist, apply first please!");
    table.broker(
        "unknown default topic",
        send("T_none", &unique(22)).field("c", "T_nobody"),
        unknown.clone(),
    );
    table.broker(
        "default topic without inherit bit",
        send("T_none", &unique(23)).field("c", "T_plain"),
        unknown,
    );
    let id = unique(24);
    table.broker("default topic itself", send("TBW102", &id), stored(&id, 0, 0));
    let id = unique(25);
    table.broker(
        "broker name as default topic",
        send("T_single", &id).field("c", "broker-0"),
        stored(&id, 0, 0),
    );
    table.until(
        "route with the broker topic's queue count",
        Peer::NameServer,
        |_| route("T_single"),
        Expected::code(0),
        body(|answer, _| is_route(answer, 1, 6)),
    );
}

fn refused_names(table: &mut Table) {
    let bad = |part| refused(1, 29, part);
    table.broker("bad character in the topic", send("T bad", &unique(30)), bad("The specified topic"));
    table.broker("letter beyond ASCII in the topic", send("Größe", &unique(31)), bad("The specified topic"));
    table.broker("topic of 127 characters", send(&"t".repeat(127), &unique(32)), stored(&unique(32), 0, 0));
    table.broker("topic of 128 characters", send(&"t".repeat(128), &unique(33)), bad("The specified topic"));
    table.broker("blank topic", send(" ", &unique(34)), bad("The specified topic"));
    table.broker("empty topic in JSON", send("", &unique(35)).json(), bad("The specified topic"));
    let reserved = [
        ("reserved: schedule topic", "SCHEDULE_TOPIC_XXXX"),
        ("reserved: half topic", "RMQ_SYS_TRANS_HALF_TOPIC"),
        ("reserved: half operation topic", "RMQ_SYS_TRANS_OP_HALF_TOPIC"),
        ("reserved: check limit topic", "TRANS_CHECK_MAX_TIME_TOPIC"),
        ("reserved: self test topic", "SELF_TEST_TOPIC"),
        ("reserved: moved offset topic", "OFFSET_MOVED_EVENT"),
    ];
    for (name, topic) in reserved {
        table.broker(name, send(topic, &unique(36)), refused(16, 16, "is forbidden."));
    }
}

fn queue_ids(table: &mut Table) {
    table.broker(
        "queue id out of range",
        send("T_plain", &unique(40)).field("e", 4),
        refused(1, 29, "request queueId[4] is illegal"),
    );
    let id = unique(41);
    table.broker(
        "queue left to the broker",
        send("T_random", &id).field("e", -1),
        stored(&id, 0, 0).map(|expected| expected.field("queueId", Value::Any)),
    );
}

fn sizes(table: &mut Table) {
    let illegal = refused(13, 13, "the message is illegal");
    let id = unique(50);
    table.broker("largest body", send("T_sizes", &id).body(vec![0; BODY_LIMIT]), stored(&id, 0, 0));
    let request = send("T_sizes", &unique(51)).body(vec![0; BODY_LIMIT + 1]);
    table.broker("body too large", request, illegal.clone());
    let id = unique(52);
    let fails = Expected::code(1).says("NullPointerException");
    table.broker("no body", send("T_sizes", &id).body(*b""), stored(&id, 0, 1).old_else(fails));
    let id = unique(53);
    table.broker(
        "properties just below the limit",
        send_with("T_large", &id, &[("p", &"x".repeat(32_500))]),
        stored(&id, 0, 0),
    );
    let request = send_with("T_large", &unique(54), &[("p", &"x".repeat(32_750))]);
    table.broker("properties too large with the broker's own", request, illegal.clone());
    let request = send_with("T_large", &unique(55), &[("p", &"x".repeat(33_000))]);
    table.broker("properties too large", request, illegal);
    let id = unique(56);
    let refusal = processed(13).says("the message is illegal");
    let expected = stored(&id, 0, 1).old_else(refusal);
    table.broker("inner batch number", send_with("T_large", &id, &[("INNER_NUM", "2")]), expected);
}

fn delays(table: &mut Table) {
    let mut delayed = |name, n, level: &str, queue_offset| {
        let id = unique(n);
        let request = send_with("T_delay", &id, &[("DELAY", level)]).field("e", 2);
        table.broker(name, request, stored(&id, 2, queue_offset));
    };
    delayed("delay level 3", 60, "3", 0);
    delayed("delay level 3 again: offset of the schedule queue", 61, "3", 1);
    delayed("highest delay level", 62, "18", 0);
    delayed("delay level above the highest is clamped", 63, "99", 1);
    delayed("delay level 0 is immediate", 64, "0", 0);
    delayed("negative delay level is immediate", 65, "-1", 1);

    let mut timer = |name, n, pair, columns: Columns| {
        let request = send_with("T_timer", &unique(n), &[pair]).field("e", 1);
        table.broker(name, request, columns);
    };
    let handle = |columns: Columns| columns.map_new(|expected| expected.field("recallHandle", Value::Any));
    timer("timer in seconds", 70, ("TIMER_DELAY_SEC", "3600"), handle(stored(&unique(70), 1, 0)));
    timer(
        "timer in milliseconds: offset of the timer queue",
        71,
        ("TIMER_DELAY_MS", "3600000"),
        handle(stored(&unique(71), 1, 1)),
    );
    let illegal = |n, old_offset| {
        let refusal = processed(13).says("timer message illegal");
        stored(&unique(n), 1, old_offset).map_new(|_| refusal.clone())
    };
    timer("timer that is no number", 72, ("TIMER_DELAY_SEC", "soon"), illegal(72, 2));
    timer("timer beyond three days", 73, ("TIMER_DELAY_SEC", "300000"), illegal(73, 3));
    let past = stored(&unique(74), 1, 4).map_new(|expected| expected.is("queueOffset", 0));
    timer("timer in the past is immediate", 74, ("TIMER_DELIVER_MS", "1000"), past);
}

fn groups(table: &mut Table) {
    let mut made = |name, route_name, n, topic: &'static str, default_topic, queues| {
        let id = unique(n);
        table.broker(name, send(topic, &id).field("c", default_topic), stored(&id, 0, 0));
        let check = body(move |answer, _| is_route(answer, queues, 6));
        table.until(route_name, Peer::NameServer, move |_| route(topic), Expected::code(0), check);
    };
    made("retry topic from the default topic", "route of that retry topic", 90, "%RETRY%CG_one", "TBW102", 4);
    made(
        "retry topic without default topic",
        "route of this retry topic",
        91,
        "%RETRY%CG_two",
        "T_nobody",
        1,
    );
}

fn before_the_processor(table: &mut Table) {
    let unsupported = Expected::code(3).says(" request type 9999 not supported");
    let request = cluster::wire::Request::new(9999).field("a", "b").body(*b"x");
    table.broker("unknown request code", request.clone(), unsupported.clone());
    table.broker("unknown request code in JSON", request.clone().json(), unsupported.clone());
    let columns = Columns::split(Expected::silence(), unsupported);
    table.name_server("unknown request code at the name server", request.clone(), columns);
    table.oneway("one-way unknown request code", request);

    let id = unique(95);
    let fails = |part| Expected::code(1).says(part).json();
    let columns = Columns::split(
        processed(1).says("The specified topic is blank."),
        fails("java.lang.NullPointerException"),
    );
    table.broker("send without a topic", send("T_plain", &id).without("b"), columns);
    let request = send("T_plain", &id).without("e");
    table.broker("send without a queue id", request, fails("java.lang.NullPointerException"));
    table.broker("send without a group", send("T_plain", &id).without("a"), stored(&id, 0, 11));
}
