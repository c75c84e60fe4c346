//! Route, cluster and heartbeat JSON as different servers write it.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use rocketmq_protocol::heartbeat::HeartbeatData;
use rocketmq_protocol::route::{BrokerData, ClusterInfo, QueueData, QueueMapping, TopicRoute};

fn route() -> TopicRoute {
    TopicRoute {
        order_topic_conf: None,
        queue_datas: vec![QueueData {
            broker_name: "broker-a".into(),
            read_queue_nums: 4,
            write_queue_nums: 4,
            perm: 6,
            topic_sys_flag: 0,
        }],
        broker_datas: vec![BrokerData {
            broker_name: "broker-a".into(),
            cluster: "C".into(),
            broker_addrs: BTreeMap::from([(0, "10.0.0.1:10911".into()), (1, "10.0.0.2:10911".into())]),
            enable_acting_master: false,
            zone_name: None,
        }],
        topic_queue_mapping_by_broker: None,
    }
}

#[test]
fn every_spelling_of_a_route_is_read() {
    for body in [
        r#"{"brokerDatas":[{"brokerAddrs":{0:"10.0.0.1:10911",1:"10.0.0.2:10911"},"brokerName":"broker-a","cluster":"C"}],"filterServerTable":{},"queueDatas":[{"brokerName":"broker-a","perm":6,"readQueueNums":4,"topicSynFlag":0,"writeQueueNums":4}]}"#,
        r#"{"brokerDatas":[{"brokerAddrs":{"0":"10.0.0.1:10911","1":"10.0.0.2:10911"},"brokerName":"broker-a","cluster":"C","enableActingMaster":false}],"filterServerTable":{},"orderTopicConf":null,"queueDatas":[{"brokerName":"broker-a","perm":6,"readQueueNums":4,"topicSysFlag":0,"writeQueueNums":4}]}"#,
        r#"{ "queueDatas" : [ {"brokerName":"broker-a","perm":6,"readQueueNums":4,"writeQueueNums":4,"new":{1:{2:[3,4]}}} ],
            "brokerDatas" : [ {"brokerAddrs": { 0 : "10.0.0.1:10911" , 1 :"10.0.0.2:10911"},"brokerName":"broker-a","cluster":"C","zoneName":null} ]}"#,
    ] {
        assert_eq!(TopicRoute::parse(body.as_bytes()).unwrap(), route(), "{body}");
    }
}

#[test]
fn integers_that_are_not_keys_stay_as_they_are() {
    let body =
        r#"{"brokerDatas":[{"brokerAddrs":{0:"a\",1:{0:"},"brokerName":"b{0:1,2:3}"}],"queueDatas":[]}"#;
    let route = TopicRoute::parse(body.as_bytes()).unwrap();
    assert_eq!(route.broker_datas[0].broker_name, "b{0:1,2:3}");
    assert_eq!(route.broker_datas[0].master(), Some("a\",1:{0:"));
}

#[test]
fn both_written_forms_are_read_back() {
    let mut route = route();
    route.order_topic_conf = Some("broker-a:4".into());
    route.topic_queue_mapping_by_broker = Some(BTreeMap::from([(
        "broker-a".into(),
        QueueMapping {
            scope: Some("__global__".into()),
            total_queues: 2,
            broker_name: Some("broker-a".into()),
            epoch: 3,
            current_ids: BTreeMap::from([(0, 1), (1, 0)]),
        },
    )]));
    let quoted = String::from_utf8(route.to_json(true)).unwrap();
    let unquoted = String::from_utf8(route.to_json(false)).unwrap();
    assert!(quoted.contains(r#""brokerAddrs":{"0":"#), "{quoted}");
    assert!(unquoted.contains(r#""brokerAddrs":{0:"#), "{unquoted}");
    assert!(unquoted.contains(r#""currIdMap":{0:1,1:0}"#), "{unquoted}");
    assert_eq!(TopicRoute::parse(quoted.as_bytes()).unwrap(), route);
    assert_eq!(TopicRoute::parse(unquoted.as_bytes()).unwrap(), route);
}

#[test]
fn order_of_brokers_is_no_change() {
    let body = |first: &str, second: &str| {
        format!(
            r#"{{"brokerDatas":[{{"brokerName":"{first}"}},{{"brokerName":"{second}"}}],"queueDatas":[{{"brokerName":"{second}"}},{{"brokerName":"{first}"}}]}}"#
        )
    };
    let one = TopicRoute::parse(body("a", "b").as_bytes()).unwrap();
    let other = TopicRoute::parse(body("b", "a").as_bytes()).unwrap();
    assert_eq!(one, other);
    assert_eq!(one.queue_datas[0].broker_name, "a");
}

#[test]
fn references_and_nonsense_are_errors() {
    for (body, part) in [
        (r#"{"$ref":"$"}"#, "$ref"),
        (r#"{"brokerDatas":[{"$ref":"$.brokerDatas[0]"}]}"#, "$ref"),
        (r#"{"brokerDatas":[{"brokerName":"b","brokerAddrs":{"$ref":".."}}]}"#, "$ref"),
        (r#"{"queueDatas":[{"$ref":".."}]}"#, "$ref"),
        (r#"{"queueDatas":[{"perm":6}]}"#, "brokerName"),
        (r#"{"brokerDatas":[{"brokerName":"b","brokerAddrs":{"x":"y"}}]}"#, "\"x\" is no id"),
        ("", "topic route"),
        ("{0:", "topic route"),
    ] {
        let error = TopicRoute::parse(body.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(part), "{body}: {error}");
    }
    assert_eq!(TopicRoute::parse(b"{}").unwrap(), TopicRoute::default());
}

#[test]
fn cluster_info_has_unquoted_ids() {
    let body = r#"{"brokerAddrTable":{"broker-a":{"brokerAddrs":{0:"10.0.0.1:10911"},"brokerName":"broker-a","cluster":"C"}},"clusterAddrTable":{"C":["broker-a"]}}"#;
    let info = ClusterInfo::parse(body.as_bytes()).unwrap();
    assert_eq!(info.brokers["broker-a"].master(), Some("10.0.0.1:10911"));
    assert_eq!(info.clusters["C"], ["broker-a"]);
    let written = info.to_json();
    assert!(written.windows(3).any(|bytes| bytes == b"{0:"));
    assert_eq!(ClusterInfo::parse(&written).unwrap(), info);
}

#[test]
fn heartbeat_body() {
    let heartbeat = HeartbeatData {
        client_id: "10.0.0.5@1#2".into(),
        producer_groups: vec!["g".into(), "CLIENT_INNER_PRODUCER".into()],
    };
    let body = String::from_utf8(heartbeat.to_json()).unwrap();
    assert_eq!(
        body,
        r#"{"clientID":"10.0.0.5@1#2","consumerDataSet":[],"heartbeatFingerprint":0,"producerDataSet":[{"groupName":"g"},{"groupName":"CLIENT_INNER_PRODUCER"}],"withoutSub":false}"#
    );
    assert_eq!(HeartbeatData::from_json(body.as_bytes()).unwrap(), heartbeat);
    let java = br#"{"clientID":"c","consumerDataSet":[{"groupName":"x","subscriptionDataSet":[]}],"producerDataSet":[{"groupName":"g"}]}"#;
    assert_eq!(HeartbeatData::from_json(java).unwrap().producer_groups, ["g"]);
    assert!(HeartbeatData::from_json(b"{}").is_err());
}
