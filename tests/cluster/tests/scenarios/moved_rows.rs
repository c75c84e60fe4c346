//! Messages that are stored elsewhere than they were sent to: those that wait, those that were consumed too often, and
//! those in no queue at all (protocol 14.4, 14.6).

use cluster::Version;
use cluster::wire::{Answer, Request};

use crate::bodies::{Record, commit_log_offset, is_route, one_record};
use crate::expect::{Columns, Expected, Value, stored};
use crate::requests::{about_queue, route, send, send_with, unique};
use crate::table::{Peer, Seen, Table, body};

pub(crate) fn add(table: &mut Table) {
    waiting(table);
    unqueued(table);
    dead_letters(table);
}

/// A look at the record that the row `of` stored; the rule is also told whether the broker is a 4.9.
fn record(table: &mut Table, name: &'static str, of: &'static str, rule: fn(&Record, bool) -> bool) {
    let request =
        move |seen: &Seen| Request::new(33).field("offset", seen.get(of).map_or(-1, commit_log_offset));
    let check = body(move |answer: &Answer, _| {
        let is_old = answer.version == Version::V4_9_7.ordinal();
        one_record(answer, |record| rule(record, is_old))
    });
    table.call(name, Peer::Broker, request, Expected::code(0).json(), check);
}

fn is(record: &Record, name: &str, value: &str) -> bool {
    record.properties.get(name).is_some_and(|known| known == value)
}

fn waiting(table: &mut Table) {
    let id = unique(600);
    let request = send_with("T_waiting", &id, &[("DELAY", "99")]).field("e", 2);
    table.broker("delay level above the highest again", request, stored(&id, 2, 2));
    record(table, "record of a delayed message", "delay level above the highest again", |record, _| {
        record.topic == "SCHEDULE_TOPIC_XXXX"
            && record.queue_id == 17
            && is(record, "DELAY", "18")
            && is(record, "REAL_TOPIC", "T_waiting")
            && is(record, "REAL_QID", "2")
            && is(record, "WAIT", "true")
    });
    let id = unique(601);
    let both = [("DELAY", "4"), ("TIMER_DELAY_SEC", "3600"), ("TIMER_DELIVER_MS", "1")];
    table.broker("delay level and timers", send_with("T_waiting", &id, &both), stored(&id, 0, 0));
    record(table, "record with delay level and timers", "delay level and timers", |record, is_old| {
        record.topic == "SCHEDULE_TOPIC_XXXX"
            && record.queue_id == 3
            && is(record, "DELAY", "4")
            && record.properties.contains_key("TIMER_DELAY_SEC") == is_old
            && record.properties.contains_key("TIMER_DELIVER_MS") == is_old
    });
    let id = unique(602);
    let columns = stored(&id, 0, 0)
        .map_new(|expected| expected.field("queueOffset", Value::Any).field("recallHandle", Value::Any));
    table.broker("timer", send_with("T_waiting", &id, &[("TIMER_DELAY_SEC", "3600")]), columns);
    record(table, "record with a timer", "timer", |record, is_old| {
        let is_parked = record.topic == "rmq_sys_wheel_timer"
            && is(record, "REAL_TOPIC", "T_waiting")
            && is(record, "REAL_QID", "0")
            && record.properties.contains_key("TIMER_OUT_MS");
        let is_stored = record.topic == "T_waiting" && !record.properties.contains_key("WAIT");
        is(record, "TIMER_DELAY_SEC", "3600") && if is_old { is_stored } else { is_parked }
    });
    let id = unique(603);
    let half = [("TRAN_MSG", "true"), ("PGROUP", "PG_scenarios"), ("DELAY", "5")];
    table.broker(
        "half message with a delay",
        send_with("T_waiting", &id, &half).field("f", 4),
        stored(&id, 0, 0),
    );
    record(table, "record of a half message with a delay", "half message with a delay", |record, is_old| {
        record.topic == "SCHEDULE_TOPIC_XXXX"
            && record.queue_id == 4
            && is(record, "REAL_TOPIC", "RMQ_SYS_TRANS_HALF_TOPIC")
            && record.properties.contains_key("__transactionId__") != is_old
    });
}

/// Only the transaction state of the header counts, not what the properties say.
fn unqueued(table: &mut Table) {
    for (name, n, flag) in [("marked as half message", 610, 4), ("marked as rolled back", 611, 12)] {
        let id = unique(n);
        let request = send_with("T_unqueued", &id, &[("DELAY", "7")]).field("f", flag);
        table.broker(name, request, stored(&id, 0, 0));
    }
    record(table, "record marked as half message", "marked as half message", |record, _| {
        record.topic == "T_unqueued" && record.sys_flag == 4
    });
    let id = unique(612);
    table.broker("marked as committed", send("T_unqueued", &id).field("f", 8), stored(&id, 0, 0));
    table.until(
        "only the committed one is in the queue",
        Peer::Broker,
        |_| about_queue(30, "T_unqueued", 0),
        Expected::code(0).is("offset", 1),
        None,
    );
}

fn dead_letters(table: &mut Table) {
    let consumed = |n, times| send("%RETRY%CG_dead", &unique(n)).field("j", times);
    let at = |n, old, new| -> Columns {
        stored(&unique(n), 0, old).map_new(|expected| expected.is("queueOffset", new))
    };
    table.broker("consumed three times", consumed(620, 3), at(620, 0, 0));
    // The 16th time is the last but on 4.9.7, where the 15th is.
    table.broker("consumed as often as allowed", consumed(621, 16), at(621, 0, 1));
    let request = consumed(622, 17).field("e", 2);
    table.broker("consumed too often", request, at(622, 1, 0).map(|expected| expected.is("queueId", 2)));
    record(table, "record of a dead letter", "consumed too often", |record, is_old| {
        record.topic == "%DLQ%CG_dead"
            && record.queue_id == 0
            && record.reconsume_times == 17
            && is(record, "DELAY", "-1") != is_old
    });
    table.broker("above the sender's limit", consumed(623, 3).field("l", 2), at(623, 2, 1));
    table.broker("at the sender's limit", consumed(624, 2).field("l", 2), at(624, 3, 2));
    let request = consumed(625, 3).field("l", 2).version(0);
    table.broker("limit of a sender that knows none", request, at(625, 1, 3));
    let request = send_with("%RETRY%CG_dead", &unique(626), &[("DELAY", "6")]).field("j", 17);
    table.broker("dead letter with a delay", request, at(626, 0, 2));
    record(table, "record of a dead letter with a delay", "dead letter with a delay", |record, is_old| {
        let topic = if is_old { "SCHEDULE_TOPIC_XXXX" } else { "%DLQ%CG_dead" };
        record.topic == topic && is(record, "DELAY", if is_old { "6" } else { "-1" })
    });
    table.until(
        "route of the dead letters",
        Peer::NameServer,
        |_| route("%DLQ%CG_dead"),
        Expected::code(0),
        body(|answer, _| is_route(answer, 1, 6)),
    );
    let id = unique(627);
    table.broker(
        "consumed too often in another topic",
        send("T_not_dead", &id).field("j", 17),
        stored(&id, 0, 0),
    );
}
