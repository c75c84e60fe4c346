//! Queries about what is stored (protocol 2.7).

use cluster::wire::Request;

use crate::bodies::{commit_log_offset, one_record};
use crate::expect::{Expected, Value, found};
use crate::requests::{BORN, about_queue, query, unique};
use crate::table::{Peer, Seen, Table, body};

const STORED_ROW: &str = "second send";

fn stored_offset(seen: &Seen) -> i64 {
    seen.get(STORED_ROW).map_or(-1, commit_log_offset)
}

pub(crate) fn add(table: &mut Table) {
    let offset = |value: i64| Expected::code(0).is("offset", value);
    table.broker("maximum offset", about_queue(30, "T_plain", 3), offset(1));
    table.broker("maximum offset of an unknown topic", about_queue(30, "T_unknown", 0), offset(0));
    table.broker("maximum offset of an unknown queue", about_queue(30, "T_plain", 99), offset(0));
    table.broker("minimum offset", about_queue(31, "T_plain", 0), offset(0));
    table.broker("minimum offset of an unknown topic", about_queue(31, "T_unknown", 0), offset(0));
    let first = Expected::code(0).field("timestamp", Value::Any);
    table.broker("earliest store time", about_queue(32, "T_plain", 0), first);
    let none = Expected::code(0).is("timestamp", -1);
    table.broker("earliest store time of an empty queue", about_queue(32, "T_plain", 99), none);
    table.broker("offset of time 0", about_queue(29, "T_plain", 0).field("timestamp", 0), offset(0));
    by_offset(table);
    by_key(table);
}

fn by_offset(table: &mut Table) {
    table.call(
        "message by offset",
        Peer::Broker,
        |seen| Request::new(33).field("offset", stored_offset(seen)),
        Expected::code(0).json(),
        body(|answer, seen| {
            let physical_offset = stored_offset(seen);
            one_record(answer, |record| {
                let property = |name: &str| record.properties.get(name).map(String::as_str);
                record.queue_id == 0
                    && record.flag == 7
                    && record.queue_offset == 1
                    && record.physical_offset == physical_offset
                    && record.sys_flag == 0
                    && record.born_timestamp == BORN
                    && record.born_ip == [127, 0, 0, 1]
                    && record.reconsume_times == 0
                    && record.prepared_offset == 0
                    && record.body == b"hi"
                    && record.topic == "T_plain"
                    && property("UNIQ_KEY") == Some(&unique(2))
                    && property("KEYS") == Some("k1 k2")
                    && property("TAGS") == Some("A")
                    && property("Größe") == Some("grün")
                    && property("CLUSTER") == Some("DefaultCluster")
            })
        }),
    );
    table.broker(
        "message by an offset beyond the end",
        Request::new(33).field("offset", 1_i64 << 40),
        Expected::code(1).says("can not find message by the offset"),
    );
}

fn by_key(table: &mut Table) {
    let is_stored = || body(|answer, _| one_record(answer, |record| record.queue_offset == 1));
    table.until("messages by key", Peer::Broker, |_| query("T_plain", "k2", false), found(), is_stored());
    table.until(
        "messages by unique key",
        Peer::Broker,
        |_| query("T_plain", &unique(2), true),
        found(),
        is_stored(),
    );
    let none = Expected::code(22)
        .says("can not find message")
        .field("indexLastUpdateTimestamp", Value::Any)
        .field("indexLastUpdatePhyoffset", Value::Any);
    table.broker("messages by an unknown key", query("T_plain", "nobody", false), none);
}
