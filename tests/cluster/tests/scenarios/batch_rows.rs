//! Batches to ordinary topics (protocol 5.8).

use cluster::Version;
use cluster::wire::{Answer, Request};

use crate::bodies::{Record, one_record, records};
use crate::expect::{Columns, Expected, Remark, Value, found, processed, refused, stored};
use crate::requests::{about_queue, batch, create_topic, item, member, properties, query, send, unique};
use crate::table::{Peer, Seen, Table, body};

pub(crate) fn add(table: &mut Table) {
    accepted(table);
    headers(table);
    members(table);
    broken(table);
    topics_of_their_own_kind(table);
    keys(table);
}

/// Last in the table: on 4.9.7 and 5.3.3 the second record is one that nobody can read, and what follows it in the log
/// may never come to a queue.
pub(crate) fn add_last(table: &mut Table) {
    let long = item(b"b", &format!("p\u{1}{}\u{2}", "x".repeat(32_764)));
    let items = [member(490, b"a", &[]), long, member(491, b"c", &[])];
    table.broker("member with the longest properties", batch("T_lost", &items), batched(3, 0));
}

/// The answer to a batch of which `count` members were stored one by one.
pub(crate) fn batched(count: usize, queue_offset: i64) -> Expected {
    processed(0).field("msgId", Value::OffsetIds(count)).is("queueId", 0).is("queueOffset", queue_offset)
}

/// What a broker throws comes in JSON.
fn thrown() -> Expected {
    Expected::code(1).remark(Remark::Free).json()
}

fn one() -> [Vec<u8>; 1] {
    [member(400, b"a", &[])]
}

fn accepted(table: &mut Table) {
    let three = [member(401, b"a", &[]), member(402, b"bc", &[]), member(403, &[0; 100], &[])];
    table.broker("batch of three", batch("T_batch", &three), batched(3, 0));
    let id = unique(404);
    table.broker("send after the batch", send("T_batch", &id), stored(&id, 0, 3));
    let mut unmarked = send("T_batch", &unique(405));
    unmarked.code = 320;
    table.broker("batch code without the mark is one message", unmarked, stored(&unique(405), 0, 4));
    let mut marked = batch("T_batch", &three);
    marked.code = 310;
    table.broker("the mark makes a batch of any send", marked, batched(3, 5));
    table.broker("batch of one", batch("T_batch", &one()), batched(1, 8));
    let anywhere = batched(3, 0).field("queueId", Value::Any);
    let request = batch("T_batch_any", &three).field("e", -1);
    table.broker("batch to a queue of the broker's choice", request, anywhere);
    let large = [member(406, &[0; 2_200_000], &[]), member(407, &[0; 2_200_000], &[])];
    let columns = Columns::split(
        processed(13).says("the message is illegal"),
        Expected::code(1).says("java.lang.RuntimeException: message body size exceeded"),
    );
    table.broker("batch too large", batch("T_batch", &large), columns);
}

/// What the properties and flags of the batch itself do.
fn headers(table: &mut Table) {
    let illegal = refused(13, 13, "the message is illegal");
    let with = |pair: (&str, &str)| batch("T_batch_header", &one()).field("i", properties(&[pair]));
    for (name, flag) in [
        ("batch marked as half message", 4),
        ("batch marked as committed", 8),
        ("batch marked as rolled back", 12),
    ] {
        table.broker(name, batch("T_batch_header", &one()).field("f", flag), illegal.clone());
    }
    table.broker("batch with a delay", with(("DELAY", "3")), illegal.clone());
    table.broker("batch with delay 0", with(("DELAY", "0")), batched(1, 0));
    table.broker("batch with a negative delay", with(("DELAY", "-1")), batched(1, 1));
    table.broker(
        "batch with a delay that is no number",
        with(("DELAY", "x")),
        thrown().says("NumberFormatException"),
    );
    let refusal = processed(13).says("timer message illegal");
    let columns = Columns::split(batched(1, 2), refusal);
    table.broker("batch with a timer that is no number", with(("TIMER_DELAY_SEC", "soon")), columns);
    // It counts in the queue of the timer wheel.
    let columns = Columns::split(batched(1, 3), batched(1, 0).field("queueOffset", Value::Any));
    table.broker("batch with a timer", with(("TIMER_DELAY_SEC", "3600")), columns);
    let columns = Columns::split(batched(1, 4), processed(13).says("the message is illegal"));
    table.broker("batch with an inner batch number", with(("INNER_NUM", "2")), columns);
    let id = unique(410);
    let next = stored(&id, 0, 5).map_new(|expected| expected.is("queueOffset", 2));
    table.broker("send after those batches", send("T_batch_header", &id), next);
    let exceeded = thrown().says("Properties size of messageExtBatch exceeded!");
    let columns = Columns::each([exceeded.clone(), exceeded, batched(1, 0)]);
    let long = "x".repeat(33_000);
    table.broker(
        "batch with properties too long",
        batch("T_batch_long", &one()).field("i", properties(&[("p", &long)])),
        columns,
    );
    table.broker("batch without properties", batch("T_batch_bare", &one()).without("i"), batched(1, 0));
}

/// What the properties of members do: nothing.
fn members(table: &mut Table) {
    let items = [
        member(420, b"a", &[("DELAY", "3"), ("CLUSTER", "mine"), ("POP_CK", "x")]),
        member(421, b"b", &[("TIMER_DELAY_SEC", "3600")]),
        member(422, b"c", &[("TRAN_MSG", "true"), ("PGROUP", "PG_scenarios")]),
        member(423, b"d", &[("INNER_NUM", "2")]),
        member(424, b"", &[]),
        item(b"f", ""),
        member(425, b"g", &[("p", &"x".repeat(32_500))]),
    ];
    table.broker("members with all kinds of properties", batch("T_members", &items), batched(7, 0));
    table.until(
        "every member is in its queue",
        Peer::Broker,
        |_| about_queue(30, "T_members", 0),
        Expected::code(0).is("offset", 7),
        None,
    );
    let of = |n: u32, check: fn(&Record, bool) -> bool| {
        let look = move |answer: &Answer, _: &Seen| {
            let is_verbatim = answer.version == Version::V5_5_0.ordinal();
            one_record(answer, |record| check(record, is_verbatim))
        };
        (n, body(look))
    };
    // 4.9.7 and 5.3.3 append what the batch's own header says, and the broker's own.
    let rows = [
        (
            "member with a delay",
            of(420, |record, is_verbatim| {
                let property = |name: &str| record.properties.get(name).map(String::as_str);
                record.queue_offset == 0
                    && record.sys_flag == 0
                    && property("DELAY") == Some("3")
                    && property("POP_CK") == Some("x")
                    && property("CLUSTER") == Some(if is_verbatim { "mine" } else { "DefaultCluster" })
            }),
        ),
        (
            "member without a body",
            of(424, |record, is_verbatim| {
                record.queue_offset == 4
                    && record.body.is_empty()
                    && record.properties.contains_key("CLUSTER") != is_verbatim
            }),
        ),
    ];
    for (name, (n, check)) in rows {
        table.until(name, Peer::Broker, move |_| query("T_members", &unique(n), true), found(), check);
    }
    let model = create_topic("T_multi", 1).field("topicFilterType", "MULTI_TAG");
    table.broker("topic of many tags", model, Expected::code(0).remark(Remark::Free));
    table.broker(
        "batch to the topic of many tags",
        batch("T_multi", &[member(426, b"a", &[])]),
        batched(1, 0),
    );
    let check = body(|answer, _| one_record(answer, |record| record.sys_flag == 2));
    table.until("its sysFlag", Peer::Broker, |_| query("T_multi", &unique(426), true), found(), check);
}

/// One bad member, and nothing is stored; only an item's own size is not looked at.
fn broken(table: &mut Table) {
    let good = || member(430, b"first", &[]);
    let second = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bad = member(431, b"second", &[]);
        change(&mut bad);
        batch("T_broken", &[good(), bad])
    };
    let mut refused = |name, request: Request| table.broker(name, request, thrown());
    refused("member cut off", second(&|item| item.truncate(item.len() - 5)));
    refused(
        "member longer than the batch",
        second(&|item| item[16..20].copy_from_slice(&9999_u32.to_be_bytes())),
    );
    refused(
        "member of negative length",
        second(&|item| item[16..20].copy_from_slice(&(-1_i32).to_be_bytes())),
    );
    refused("members and three bytes", batch("T_broken", &[good(), vec![0; 3]]));
    refused("batch that is none", batch("T_broken", &[b"garbage!".to_vec()]));
    refused(
        "member with properties too long",
        batch("T_broken", &[good(), member(432, b"b", &[("p", &"x".repeat(33_000))])]),
    );
    refused("batch without members", batch("T_broken", &[]));
    let sizes = [("item size 0", 0), ("item size too small", 9), ("item size too large", 9999)];
    for (index, (name, size)) in (0_i64..).zip(sizes) {
        let request = second(&move |item| item[..4].copy_from_slice(&u32::to_be_bytes(size)));
        table.broker(name, request, batched(2, 2 * index));
    }
}

fn topics_of_their_own_kind(table: &mut Table) {
    let refusal = processed(13).says("batch request does not support retry group");
    let request = batch("%RETRY%CG_batch", &one());
    let mut marked = request.clone();
    marked.code = 310;
    table.broker("batch to a retry topic", request, Columns::split(batched(1, 0), refusal.clone()));
    table.broker("marked send to a retry topic", marked, Columns::split(batched(1, 1), refusal));
    let done = || Expected::code(0).remark(Remark::Free);
    let compaction = create_topic("T_compaction", 1).field("attributes", "+cleanup.policy=COMPACTION");
    table.broker("compaction topic", compaction, done());
    table.broker("batch without keys to a compaction topic", batch("T_compaction", &one()), batched(1, 0));
    let id = unique(440);
    let refusal = processed(13).says("Required message key is missing");
    table.broker(
        "send without keys to a compaction topic",
        send("T_compaction", &id),
        stored(&id, 0, 1).old_else(refusal),
    );
}

/// Every member is found by its own keys and its own unique id.
fn keys(table: &mut Table) {
    let items = [
        member(450, b"a", &[("TAGS", "A"), ("KEYS", "ka same")]),
        member(451, b"b", &[("TAGS", "B"), ("KEYS", "kb kc")]),
        member(452, b"c", &[("KEYS", "same")]),
    ];
    table.broker("batch with keys", batch("T_keys", &items), batched(3, 0));
    let mut finds = |name, key: String, is_unique, bodies: &'static [&'static [u8]]| {
        let check = body(move |answer, _| {
            let mut found: Vec<Vec<u8>> = records(answer)?.into_iter().map(|record| record.body).collect();
            found.sort_unstable();
            if found == bodies { Ok(()) } else { Err(format!("bodies {found:?} instead of {bodies:?}")) }
        });
        table.until(name, Peer::Broker, move |_| query("T_keys", &key, is_unique), found(), check);
    };
    finds("key of the first member", "ka".to_owned(), false, &[b"a"]);
    finds("second key of the second member", "kc".to_owned(), false, &[b"b"]);
    finds("key of two members", "same".to_owned(), false, &[b"a", b"c"]);
    finds("unique id of the second member", unique(451), true, &[b"b"]);
    finds("unique id of the last member", unique(452), true, &[b"c"]);
}
