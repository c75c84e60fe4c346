//! Batches to topics that store a batch as one record, if it has a unique id of its own (protocol 5.8). 4.9.7 has no such
//! topics.

use cluster::Version;
use cluster::wire::{Answer, Request};

use crate::batch_rows::batched;
use crate::bodies::{commit_log_offset, one_record, records};
use crate::expect::{Columns, Expected, Remark, Value, found, processed, stored};
use crate::requests::{about_queue, batch, create_topic, member, properties, query, send, send_with, unique};
use crate::table::{Peer, Seen, Table, body};

const TOPIC: &str = "T_batch_queue";
const INNER_BATCH: i32 = 0x80;
const NEED_UNWRAP: i32 = 0x40;

pub(crate) fn add(table: &mut Table) {
    let topic = create_topic(TOPIC, 2).field("attributes", "+queue.type=BatchCQ");
    table.broker("topic with batch queues", topic, Expected::code(0).remark(Remark::Free));
    stored_as(table);
    read_back(table);
    not_stored(table);
}

fn three() -> [Vec<u8>; 3] {
    [member(500, b"a", &[("KEYS", "k500")]), member(501, b"b", &[("KEYS", "k501")]), member(502, b"c", &[])]
}

/// A batch with the unique id `n` and more properties of its own.
fn whole(n: u32, more: &[(&str, &str)]) -> Request {
    let id = unique(n);
    let mut all = vec![("UNIQ_KEY", id.as_str()), ("WAIT", "true")];
    all.extend(more);
    batch(TOPIC, &three()).field("i", properties(&all))
}

/// One id for all where there are such topics, one for each member on 4.9.7.
fn one_record_or(n: u32, count: usize, queue_offset: i64) -> Columns {
    let id = unique(n);
    Columns::all(batched(count, queue_offset)).map_new(|expected| {
        expected.field("msgId", Value::OffsetIds(1)).is("batchUniqId", &id).is("transactionId", &id)
    })
}

fn is_4_9(answer: &Answer) -> bool {
    answer.version == Version::V4_9_7.ordinal()
}

fn stored_as(table: &mut Table) {
    table.broker("whole batch", whole(510, &[("KEYS", "k510")]), one_record_or(510, 3, 0));
    table.broker("batch without a unique id is taken apart", batch(TOPIC, &three()), batched(3, 3));
    let id = unique(511);
    table.broker("single message among batches", send(TOPIC, &id), stored(&id, 0, 6));
    let mut marked = whole(512, &[]);
    marked.code = 310;
    table.broker("whole batch by its mark", marked, one_record_or(512, 3, 7));
    let one = whole(513, &[]).body(member(503, b"d", &[]));
    table.broker("whole batch of one", one, one_record_or(513, 1, 10));
    let odd = [("INNER_NUM", "9"), ("DELAY", "-1"), ("TRAN_MSG", "true"), ("PGROUP", "PG_scenarios")];
    table.broker("whole batch with odd properties", whole(514, &odd), one_record_or(514, 3, 11));
    table.until(
        "every member counts in the queue",
        Peer::Broker,
        |_| about_queue(30, TOPIC, 0),
        Expected::code(0).is("offset", 14),
        None,
    );
}

fn read_back(table: &mut Table) {
    let at = |row: &'static str| {
        move |seen: &Seen| Request::new(33).field("offset", seen.get(row).map_or(-1, commit_log_offset))
    };
    table.call(
        "record of a whole batch",
        Peer::Broker,
        at("whole batch"),
        Expected::code(0).json(),
        body(|answer, _| {
            let whole = three().concat();
            one_record(answer, |record| {
                let property = |name: &str| record.properties.get(name).map(String::as_str);
                let is_member = property("UNIQ_KEY") == Some(&unique(510)) && record.body == b"a";
                let is_whole = record.sys_flag == INNER_BATCH | NEED_UNWRAP
                    && record.body == whole
                    && property("INNER_NUM") == Some("3")
                    && property("INNER_BASE") == Some("0")
                    && property("UNIQ_KEY") == Some(&unique(510))
                    && property("CLUSTER") == Some("DefaultCluster");
                record.queue_offset == 0 && if is_4_9(answer) { is_member } else { is_whole }
            })
        }),
    );
    table.call(
        "the broker counts for itself",
        Peer::Broker,
        at("whole batch with odd properties"),
        Expected::code(0).json(),
        body(|answer, _| {
            one_record(answer, |record| {
                let property = |name: &str| record.properties.get(name).map(String::as_str);
                let is_whole = property("INNER_NUM") == Some("3") && property("INNER_BASE") == Some("11");
                record.queue_offset == 11 && (is_whole || is_4_9(answer))
            })
        }),
    );
    let mut finds = |name, key: String, is_unique, old: usize, new: usize| {
        let check = body(move |answer, _| {
            let expected = if is_4_9(answer) { old } else { new };
            let found = records(answer)?.len();
            if found == expected { Ok(()) } else { Err(format!("{found} records instead of {expected}")) }
        });
        table.until(name, Peer::Broker, move |_| query(TOPIC, &key, is_unique), found(), check);
    };
    // 4.9.7 gives unique id and keys of the batch to each of its members, in place of theirs.
    finds("whole batch by its unique id", unique(510), true, 3, 1);
    finds("whole batch by its key", "k510".to_owned(), false, 3, 1);
    // Members are found only where the batch was taken apart.
    finds("members by key", "k501".to_owned(), false, 3, 1);
}

fn not_stored(table: &mut Table) {
    let illegal = || processed(13).says("the message is illegal");
    let whole_is_illegal = |n| illegal().is("batchUniqId", unique(n));
    let delayed = Columns::split(illegal(), whole_is_illegal(520));
    table.broker("whole batch with a delay", whole(520, &[("DELAY", "1")]), delayed);
    let large = [member(530, &[0; 2_200_000], &[]), member(531, &[0; 2_200_000], &[])].concat();
    let too_large = Columns::split(illegal(), whole_is_illegal(521));
    table.broker("whole batch too large", whole(521, &[]).body(large), too_large);
    let timer = one_record_or(522, 3, 14).old_else(whole_is_illegal(522));
    table.broker("whole batch with a timer", whole(522, &[("TIMER_DELAY_SEC", "3600")]), timer);
    let thrown = || Expected::code(1).remark(Remark::Free).json();
    let mut cut_off = three().concat();
    cut_off.pop();
    table.broker("whole batch cut off", whole(523, &[]).body(cut_off), thrown());
    let too_long = Columns::split(thrown(), whole_is_illegal(524));
    let long = "x".repeat(32_760);
    table.broker("whole batch with properties too long", whole(524, &[("p", &long)]), too_long);
    let id = unique(525);
    table.broker(
        "single message with an inner batch number among batches",
        send_with(TOPIC, &id, &[("INNER_NUM", "2")]),
        stored(&id, 0, 17).old_else(illegal()),
    );
}
