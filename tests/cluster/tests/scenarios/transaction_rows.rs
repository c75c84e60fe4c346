//! Half messages and how they end (protocol 2.4, 7). Last in the table: after a finished transaction 5.x brokers never
//! rest again.

use cluster::wire::Request;

use crate::bodies::commit_log_offset;
use crate::expect::{Expected, Remark, stored};
use crate::requests::{about_queue, send_with, unique};
use crate::table::{Peer, Seen, Table};

const COMMIT: i32 = 8;
const ROLLBACK: i32 = 12;

pub(crate) fn add(table: &mut Table) {
    half(table, "half message", 110, 0);
    half(table, "second half message", 111, 1);
    let visible = |count: i64| Expected::code(0).is("offset", count);
    table.broker("half messages are not visible", about_queue(30, "T_half", 1), visible(0));

    let refusal = |part| Expected::code(1).says(part);
    let wrong_group = |seen: &Seen| end("half message", 110, COMMIT, seen).field("producerGroup", "PG_other");
    table.call(
        "commit by another group",
        Peer::Broker,
        wrong_group,
        refusal("The producer group wrong"),
        None,
    );
    let wrong_offset = |seen: &Seen| end("half message", 110, COMMIT, seen).field("tranStateTableOffset", 7);
    let text = "The transaction state table offset wrong";
    table.call("commit with another queue offset", Peer::Broker, wrong_offset, refusal(text), None);
    let beyond = |seen: &Seen| end("half message", 110, COMMIT, seen).field("commitLogOffset", 1_i64 << 40);
    let text = "Find prepared transaction message failed";
    table.call("commit of an unknown offset", Peer::Broker, beyond, refusal(text), None);

    let done = || Expected::code(0).remark(Remark::Free);
    table.call("commit", Peer::Broker, |seen| end("half message", 110, COMMIT, seen), done(), None);
    table.until(
        "committed message is visible",
        Peer::Broker,
        |_| about_queue(30, "T_half", 1),
        visible(1),
        None,
    );
    let rollback = |seen: &Seen| end("second half message", 111, ROLLBACK, seen);
    table.call("roll back", Peer::Broker, rollback, done(), None);
    table.call(
        "unknown state is not answered",
        Peer::Broker,
        |seen| end("second half message", 111, 0, seen),
        Expected::silence(),
        None,
    );
    table.broker("rolled back message is not visible", about_queue(30, "T_half", 1), visible(1));
}

fn half(table: &mut Table, name: &'static str, n: u32, queue_offset: i64) {
    let id = unique(n);
    let request = send_with("T_half", &id, &[("TRAN_MSG", "true"), ("PGROUP", "PG_scenarios")]);
    table.broker(name, request.field("e", 1).field("f", 4), stored(&id, 1, queue_offset));
}

fn end(row: &str, n: u32, state: i32, seen: &Seen) -> Request {
    let answer = seen.get(row);
    let queue_offset = answer.and_then(|a| a.fields.get("queueOffset")).map_or("-1", String::as_str);
    Request::new(37)
        .field("producerGroup", "PG_scenarios")
        .field("tranStateTableOffset", queue_offset)
        .field("commitLogOffset", answer.map_or(-1, commit_log_offset))
        .field("commitOrRollback", state)
        .field("fromTransactionCheck", false)
        .field("msgId", unique(n))
        .field("transactionId", unique(n))
        .field("bname", "broker-0")
}
