//! What a route from the network may make of itself.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rocketmq_protocol::route::TopicRoute;
use rocketmq_protocol::route::bounds::{
    MAX_ADDRESSES, MAX_BROKERS, MAX_QUEUES, MAX_ROUTE_BYTES, MAX_TEXT, MAX_TOPIC_QUEUES,
};

fn queues(write: i64, read: i64) -> String {
    format!(
        r#"{{"queueDatas":[{{"brokerName":"b","writeQueueNums":{write},"readQueueNums":{read},"perm":6}}]}}"#
    )
}

fn list(member: &str, item: &str, count: usize) -> String {
    format!(r#"{{"{member}":[{}]}}"#, vec![item; count].join(","))
}

fn with_addresses(count: usize) -> String {
    let addresses: Vec<_> = (0..count).map(|id| format!(r#"{id}:"h:1""#)).collect();
    format!(r#"{{"brokerDatas":[{{"brokerName":"b","brokerAddrs":{{{}}}}}]}}"#, addresses.join(","))
}

fn order(conf: &str) -> String {
    format!(r#"{{"orderTopicConf":"{conf}"}}"#)
}

#[track_caller]
fn accepted(route: &str) -> TopicRoute {
    TopicRoute::parse(route.as_bytes()).unwrap()
}

/// The error has all these parts: the value and the rule.
#[track_caller]
fn refused(route: &str, parts: &[&str]) {
    let error = TopicRoute::parse(route.as_bytes()).unwrap_err().to_string();
    assert!(error.len() < 400, "{error}");
    for part in parts {
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[test]
fn counts_of_queues_are_bounded() {
    let max = MAX_QUEUES.into();
    assert_eq!(accepted(&queues(max, max)).queue_datas[0].write_queue_nums, MAX_QUEUES);
    assert_eq!(accepted(&queues(0, 0)).queue_datas[0].read_queue_nums, 0);
    for bad in [i64::from(i32::MAX), max + 1, -1, i64::from(i32::MIN)] {
        refused(&queues(bad, 0), &["writeQueueNums of broker b", &bad.to_string(), "65536"]);
        refused(&queues(0, bad), &["readQueueNums of broker b", &bad.to_string(), "65536"]);
    }
    refused(&queues(1 << 40, 0), &["1099511627776"]);
}

#[test]
fn the_queues_of_a_topic_are_bounded_in_all() {
    for nums in ["writeQueueNums", "readQueueNums"] {
        let item = format!(r#"{{"brokerName":"b","{nums}":{MAX_QUEUES}}}"#);
        let fits = MAX_TOPIC_QUEUES / MAX_QUEUES as usize;
        accepted(&list("queueDatas", &item, fits));
        refused(&list("queueDatas", &item, fits + 1), &["327680", "262144"]);
    }
}

#[test]
fn lists_are_bounded() {
    let item = r#"{"brokerName":"b"}"#;
    for member in ["queueDatas", "brokerDatas"] {
        accepted(&list(member, item, MAX_BROKERS));
        refused(&list(member, item, MAX_BROKERS + 1), &["4097", "4096"]);
        // What follows is counted, not read.
        refused(&list(member, "{}", MAX_BROKERS * 20), &["81920", "4096"]);
        let mixed = list(member, item, MAX_BROKERS).replace("]}", ",{},[],7]}");
        refused(&mixed, &["4099", "4096"]);
    }
    assert_eq!(accepted(&with_addresses(MAX_ADDRESSES)).broker_datas[0].broker_addrs.len(), MAX_ADDRESSES);
    refused(&with_addresses(MAX_ADDRESSES + 1), &["129", "128"]);
}

#[test]
fn order_configurations_are_bounded() {
    let route = accepted(&order(&format!("z:2;a:{MAX_QUEUES};broken;x:many")));
    assert_eq!(route.order().collect::<Vec<_>>(), [("z", 2), ("a", MAX_QUEUES)]);
    refused(&order("a:2147483647"), &["orderTopicConf of broker a", "2147483647", "65536"]);
    refused(&order("a:-1"), &["-1"]);
    refused(&order(&["a:65536"; 5].join(";")), &["327680", "262144"]);
    accepted(&order(&["a:1"; MAX_BROKERS].join(";")));
    refused(&order(&["a:1"; MAX_BROKERS + 1].join(";")), &["4097", "4096"]);
    refused(&order(&format!("{}:1", "n".repeat(MAX_TEXT + 1))), &["513", "512"]);
}

#[test]
fn texts_are_bounded() {
    let long = |len: usize| "n".repeat(len);
    let broker = |name: &str, cluster: &str, zone: &str, address: &str| {
        format!(
            r#"{{"brokerDatas":[{{"brokerName":"{name}","cluster":"{cluster}","zoneName":"{zone}","brokerAddrs":{{0:"{address}"}}}}]}}"#
        )
    };
    let (fits, bad) = (long(MAX_TEXT), long(MAX_TEXT + 1));
    accepted(&broker(&fits, &fits, &fits, &fits));
    refused(&broker(&bad, "c", "z", "a"), &["brokerName", "513", "512"]);
    refused(&broker("b", &bad, "z", "a"), &["cluster", "513", "512"]);
    refused(&broker("b", "c", &bad, "a"), &["zoneName", "513", "512"]);
    refused(&broker("b", "c", "z", &bad), &["address", "513", "512"]);
    let route = format!(r#"{{"ignored":"{}"}}"#, long(MAX_ROUTE_BYTES));
    refused(&route, &["4194318", "4194304"]);
}

#[test]
fn a_large_cluster_of_this_world_passes() {
    let names = 0..400;
    let queues: Vec<_> = names
        .clone()
        .map(|n| {
            format!(r#"{{"brokerName":"broker-{n}","perm":6,"readQueueNums":512,"writeQueueNums":512}}"#)
        })
        .collect();
    let brokers: Vec<_> = names
        .map(|n| {
            format!(
                r#"{{"brokerName":"broker-{n}","cluster":"large","brokerAddrs":{{0:"10.0.0.1:1",1:"10.0.0.2:1",2:"10.0.0.3:1"}}}}"#
            )
        })
        .collect();
    let text = format!(r#"{{"queueDatas":[{}],"brokerDatas":[{}]}}"#, queues.join(","), brokers.join(","));
    assert_eq!(accepted(&text).queue_datas.len(), 400);
}

proptest! {
    /// Whatever the numbers are: an error that is told, or a route within the bounds.
    #[test]
    fn no_route_is_beyond_the_bounds(
        items in prop::collection::vec((any::<i64>(), any::<i32>(), "[a-z;:]{0,5}"), 0..20),
        conf in "([a-z]{1,3}:-?[0-9]{1,11};){0,6}",
    ) {
        let items: Vec<_> = items
            .iter()
            .map(|(write, read, name)| {
                let write = write >> (write.unsigned_abs() % 50);
                format!(r#"{{"brokerName":"{name}","writeQueueNums":{write},"readQueueNums":{read}}}"#)
            })
            .collect();
        let text = format!(r#"{{"orderTopicConf":"{conf}","queueDatas":[{}]}}"#, items.join(","));
        if let Ok(route) = TopicRoute::parse(text.as_bytes()) {
            let fits = |count: i32| (0..=MAX_QUEUES).contains(&count);
            let counts = || route.queue_datas.iter().map(|data| data.write_queue_nums);
            prop_assert!(counts().all(fits) && route.queue_datas.iter().all(|data| fits(data.read_queue_nums)));
            prop_assert!(counts().map(|count| count as usize).sum::<usize>() <= MAX_TOPIC_QUEUES);
            prop_assert!(route.order().all(|(_, count)| fits(count)));
            prop_assert!(route.order().map(|(_, count)| count as usize).sum::<usize>() <= MAX_TOPIC_QUEUES);
        }
    }

    /// Bytes that no server would send are an error or a route, never a panic.
    #[test]
    fn no_bytes_break_the_parser(start in 0..200_usize, bytes in prop::collection::vec(any::<u8>(), 0..20)) {
        let mut text = list("brokerDatas", r#"{"brokerName":"b","brokerAddrs":{0:"h:1",1:null}}"#, 4).into_bytes();
        let at = start.min(text.len());
        text.splice(at..(at + bytes.len()).min(text.len()), bytes);
        let _ = TopicRoute::parse(&text);
    }
}
