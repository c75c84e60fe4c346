//! The table of keys. To add one: a row here, a field in `Settings`.

use super::key::{Key, Kind, Rule};

const HOUR_MS: i64 = 3_600_000;

/// Every key, in the order of the manual.
pub(super) static TABLE: &[Key] = &[
    Key {
        name: "producer.group",
        kind: Kind::Text(Rule::Group),
        default: "",
        unit: "",
        java: "producerGroup",
        secret: false,
        text: "The producer group: what brokers know this application by. Required. Within one process and client \
               id a group belongs to one producer at a time.",
    },
    Key {
        name: "name.server",
        kind: Kind::Text(Rule::Addresses),
        default: "",
        unit: "",
        java: "namesrvAddr",
        secret: false,
        text: "The name servers, for example `10.0.0.1:9876;10.0.0.2:9876`. All addresses of a host name are name \
               servers, and they may change while the program runs. If it is not set, the environment variable \
               `NAMESRV_ADDR` counts, and after that `name.server.url`.",
    },
    Key {
        name: "name.server.url",
        kind: Kind::Text(Rule::HttpUrl),
        default: "",
        unit: "",
        java: "rocketmq.namesrv.domain",
        secret: false,
        text: "Where to look the name servers up by HTTP GET, for example `http://names:8080/rocketmq/nsaddr`: the \
               whole URL. Used only if neither `name.server` nor the environment variable `NAMESRV_ADDR` is set.",
    },
    Key {
        name: "name.server.refresh.interval.ms",
        kind: Kind::Integer { min: 10, max: HOUR_MS },
        default: "120000",
        unit: "ms",
        java: "",
        secret: false,
        text: "How often `name.server.url` is asked again, and the host names of name servers are looked up; the names \
               also when no name server answers.",
    },
    Key {
        name: "client.ip",
        kind: Kind::Text(Rule::Word),
        default: "",
        unit: "",
        java: "clientIP",
        secret: false,
        text: "The first part of the client id, `ip@instance`, which brokers show to their operators. If it is not \
               set, the address of a network interface that is up.",
    },
    Key {
        name: "instance.name",
        kind: Kind::Text(Rule::Word),
        default: "",
        unit: "",
        java: "instanceName",
        secret: false,
        text: "The second part of the client id. If it is not set, a value that no other producer has. Producers with \
               one client id in a process share connections and routes, and the network settings of the first of \
               them. The client id must be unique among the processes of a cluster.",
    },
    Key {
        name: "unit.name",
        kind: Kind::Text(Rule::Word),
        default: "",
        unit: "",
        java: "unitName",
        secret: false,
        text: "A unit of a deployment in several units: it is appended to the client id and to `name.server.url`.",
    },
    Key {
        name: "unit.mode",
        kind: Kind::Boolean,
        default: "false",
        unit: "",
        java: "unitMode",
        secret: false,
        text: "Marks sends as those of a deployment in several units; a topic that is created by one is marked \
               too.",
    },
    Key {
        name: "namespace",
        kind: Kind::Text(Rule::Namespace),
        default: "",
        unit: "",
        java: "namespace",
        secret: false,
        text: "A namespace of version 1: brokers know topics and the group by the names `namespace%name`, \
               messages carry it as INSTANCE_ID. Receipts and errors show the names as the program has them.",
    },
    Key {
        name: "namespace.v2",
        kind: Kind::Text(Rule::Word),
        default: "",
        unit: "",
        java: "namespaceV2",
        secret: false,
        text: "A namespace of version 2: names stay as they are, and every request carries it as the ext fields \
               `nsd` and `ns`. Only proxies and services that know it tell namespaces apart by it.",
    },
    Key {
        name: "vip.channel.enabled",
        kind: Kind::Boolean,
        default: "false",
        unit: "",
        java: "vipChannelEnabled",
        secret: false,
        text: "Whether sends go to the port two below that of the broker, which it serves with threads of their \
               own.",
    },
    Key {
        name: "broker.address.map",
        kind: Kind::Text(Rule::AddressMap),
        default: "",
        unit: "",
        java: "",
        secret: false,
        text: "Where brokers are reached whose registered addresses cannot be, as in containers, behind NAT and with two \
               networks: `10.0.0.1:10911=public.example:10911;broker-a=127.0.0.1`. An address comes before its host, \
               and that before `*`, which means all; a host keeps the ports. `@name.server` is the host of the name \
               server that gave the route: `*=@name.server` is enough where all run on one machine. Counts for every \
               connection to brokers, VIP channels too; errors and statistics show `registered → used`.",
    },
    Key {
        name: "zone.name",
        kind: Kind::Text(Rule::Word),
        default: "",
        unit: "",
        java: "rocketmq.zone",
        secret: false,
        text: "The zone this program runs in; every request carries it as `__ZONE_NAME`. If it is not set, the \
               environment variable `ROCKETMQ_ZONE`.",
    },
    Key {
        name: "zone.mode",
        kind: Kind::Text(Rule::Word),
        default: "",
        unit: "",
        java: "rocketmq.zone.mode",
        secret: false,
        text: "With `true`, name servers 5.x show only brokers of the zone `zone.name` and those without a \
               master; every request carries it as `__ZONE_MODE`. If it is not set, the environment variable \
               `ROCKETMQ_ZONE_MODE`.",
    },
    Key {
        name: "access.key",
        kind: Kind::Text(Rule::Credential),
        default: "",
        unit: "",
        java: "AclClientRPCHook",
        secret: false,
        text: "The access key that requests are signed for: of ACL 1, or the name of a user of ACL 2. With `secret.key`, and \
               never without.",
    },
    Key {
        name: "secret.key",
        kind: Kind::Text(Rule::Credential),
        default: "",
        unit: "",
        java: "AclClientRPCHook",
        secret: true,
        text: "The secret of `access.key`, or the password of that user. It is never sent: it makes the signatures.",
    },
    Key {
        name: "security.token",
        kind: Kind::Text(Rule::Credential),
        default: "",
        unit: "",
        java: "AclClientRPCHook",
        secret: true,
        text: "The token that came with temporary credentials; every request carries it.",
    },
    Key {
        name: "stream.request.type",
        kind: Kind::Boolean,
        default: "false",
        unit: "",
        java: "enableStreamRequestType",
        secret: false,
        text: "Marks requests as those of a stream (ext field `ReqT`) and the client id with `@STREAM`.",
    },
    Key {
        name: "topics",
        kind: Kind::Text(Rule::Topics),
        default: "",
        unit: "",
        java: "topics",
        secret: false,
        text: "Topics whose routes are fetched when the producer starts, so that their first messages need not \
               wait for them. A topic that cannot be found is no error here.",
    },
    Key {
        name: "route.refresh.interval.ms",
        kind: Kind::Integer { min: 10, max: HOUR_MS },
        default: "30000",
        unit: "ms",
        java: "pollNameServerInterval",
        secret: false,
        text: "How often the routes of the topics in use are fetched again: those that got a message within the last \
               minute, and those of `topics`. Others are fetched again with their next message.",
    },
    Key {
        name: "topic.expiry.ms",
        kind: Kind::Integer { min: 0, max: 24 * HOUR_MS },
        default: "600000",
        unit: "ms",
        java: "",
        secret: false,
        text: "How long after its last message a topic is forgotten, with its route and what it takes of memory; the \
               next message looks it up as the first one did. It is seen when routes are refreshed. Those of `topics` \
               are never forgotten. 0: none ever.",
    },
    Key {
        name: "heartbeat.interval.ms",
        kind: Kind::Integer { min: 10, max: 100_000 },
        default: "30000",
        unit: "ms",
        java: "heartbeatBrokerInterval",
        secret: false,
        text: "How often brokers hear from the producer. A broker closes the connection of a producer it has not \
               heard from for 120 seconds.",
    },
    Key {
        name: "api.timeout.ms",
        kind: Kind::Integer { min: 1, max: HOUR_MS },
        default: "3000",
        unit: "ms",
        java: "mqClientApiTimeout",
        secret: false,
        text: "The time limit of one request that is not a send: a route, a heartbeat. A send that needs a route \
               keeps its own deadline all the same.",
    },
    Key {
        name: "connect.timeout.ms",
        kind: Kind::Integer { min: 1, max: HOUR_MS },
        default: "3000",
        unit: "ms",
        java: "connectTimeoutMillis",
        secret: false,
        text: "The time limit of making one connection.",
    },
    Key {
        name: "send.timeout.ms",
        kind: Kind::Integer { min: 1, max: HOUR_MS },
        default: "3000",
        unit: "ms",
        java: "sendMsgTimeout",
        secret: false,
        text: "The deadline of a send that names none itself. It covers all of the send: looking up the route, \
               connecting and every retry.",
    },
    Key {
        name: "retry.times",
        kind: Kind::Integer { min: 0, max: 100 },
        default: "2",
        unit: "",
        java: "retryTimesWhenSendFailed",
        secret: false,
        text: "How many further attempts a blocking send makes after a failed one, within its deadline.",
    },
    Key {
        name: "retry.times.async",
        kind: Kind::Integer { min: 0, max: 100 },
        default: "2",
        unit: "",
        java: "retryTimesWhenSendAsyncFailed",
        secret: false,
        text: "How many further attempts an asynchronous send makes after a failed one, within its deadline.",
    },
    Key {
        name: "retry.another.broker.when.not.store.ok",
        kind: Kind::Boolean,
        default: "false",
        unit: "",
        java: "retryAnotherBrokerWhenNotStoreOK",
        secret: false,
        text: "Whether a send tries another broker when one has stored the message but not flushed or replicated it \
               in time (`FLUSH_DISK_TIMEOUT`, `FLUSH_SLAVE_TIMEOUT`, `SLAVE_NOT_AVAILABLE`). The message may then \
               be stored twice.",
    },
    Key {
        name: "send.latency.enable",
        kind: Kind::Boolean,
        default: "false",
        unit: "",
        java: "sendLatencyEnable",
        secret: false,
        text: "Whether brokers that were slow or failed are left out for a while, as `latency.max.ms` and \
               `not.available.duration.ms` say. A failed attempt counts as one of 10,000 ms.",
    },
    Key {
        name: "latency.max.ms",
        kind: Kind::Text(Rule::Numbers),
        default: "50,100,550,1800,3000,5000,15000",
        unit: "ms",
        java: "latencyMax",
        secret: false,
        text: "The latencies, ascending, from which on a broker is left out for the time at the same place of \
               `not.available.duration.ms`.",
    },
    Key {
        name: "not.available.duration.ms",
        kind: Kind::Text(Rule::Numbers),
        default: "0,0,2000,5000,6000,10000,30000",
        unit: "ms",
        java: "notAvailableDuration",
        secret: false,
        text: "For how long a broker of that latency is left out; as many numbers as `latency.max.ms` has.",
    },
    Key {
        name: "start.detector.enable",
        kind: Kind::Boolean,
        default: "false",
        unit: "",
        java: "startDetectorEnable",
        secret: false,
        text: "With `send.latency.enable`: brokers that could not be reached stay out until a probe is answered.",
    },
    Key {
        name: "detect.interval.ms",
        kind: Kind::Integer { min: 10, max: HOUR_MS },
        default: "2000",
        unit: "ms",
        java: "detectInterval",
        secret: false,
        text: "How often unreachable brokers are probed.",
    },
    Key {
        name: "detect.timeout.ms",
        kind: Kind::Integer { min: 1, max: HOUR_MS },
        default: "200",
        unit: "ms",
        java: "detectTimeout",
        secret: false,
        text: "How long a probe waits for its answer.",
    },
    Key {
        name: "retry.response.codes",
        kind: Kind::Text(Rule::Numbers),
        default: "1,2,14,16,17,204,205,1500",
        unit: "",
        java: "retryResponseCodes",
        secret: false,
        text: "The response codes of brokers after which another attempt is made. Other codes fail the send at once.",
    },
    Key {
        name: "retry.backoff.ms",
        kind: Kind::Integer { min: 0, max: HOUR_MS },
        default: "100",
        unit: "ms",
        java: "",
        secret: false,
        text: "The pause before another attempt at a broker that was busy (codes 2, 14 and 215) or whose connection was \
               refused or lost: a fifth more or less, twice as long after each refusal, never more than half of the \
               time that is left. An attempt at another broker follows at once. 0: no pause.",
    },
    Key {
        name: "retry.backoff.max.ms",
        kind: Kind::Integer { min: 0, max: HOUR_MS },
        default: "1000",
        unit: "ms",
        java: "",
        secret: false,
        text: "The longest that such a pause grows.",
    },
    Key {
        name: "send.max.timeout.per.request.ms",
        kind: Kind::Integer { min: 0, max: HOUR_MS },
        default: "0",
        unit: "ms",
        java: "sendMsgMaxTimeoutPerRequest",
        secret: false,
        text: "The time limit of one attempt, so that a silent broker leaves time for another; the last attempt may \
               use all that is left. 0: no limit but the send's own deadline.",
    },
    Key {
        name: "compress.threshold.bytes",
        kind: Kind::Integer { min: 0, max: 16_711_680 },
        default: "4096",
        unit: "bytes",
        java: "compressMsgBodyOverHowmuch",
        secret: false,
        text: "Bodies of this size and more travel compressed, unless that makes them larger; consumers get them \
               as they were. 0: never.",
    },
    Key {
        name: "compress.type",
        kind: Kind::Choice(&["zlib", "lz4", "zstd"]),
        default: "zlib",
        unit: "",
        java: "compressType",
        secret: false,
        text: "How bodies are compressed. Consumers older than 4.9.4 read `zlib` only.",
    },
    Key {
        name: "compress.level",
        kind: Kind::Integer { min: 1, max: 22 },
        default: "5",
        unit: "",
        java: "compressLevel",
        secret: false,
        text: "How hard the compression tries: up to 9 for `zlib`, up to 22 for `zstd`; `lz4` has no levels.",
    },
    Key {
        name: "batch.auto",
        kind: Kind::Choice(&["off", "pressure", "linger"]),
        default: "pressure",
        unit: "",
        java: "autoBatch",
        secret: false,
        text: "Whether asynchronous messages of one topic travel together as one wire batch. `pressure`: those \
               that wait because earlier ones are not answered yet, and those of one call or one turn of an \
               event loop. `linger`: they are gathered for `batch.linger.ms` or until `batch.max.bytes`. Each \
               message keeps its id, receipt, deadline and error. Messages with a delay, compressed ones and \
               those to a retry topic go alone.",
    },
    Key {
        name: "batch.max.bytes",
        kind: Kind::Integer { min: 1024, max: 4_194_304 },
        default: "65536",
        unit: "bytes",
        java: "batchMaxBytes",
        secret: false,
        text: "The most bytes of bodies and properties in an automatic batch.",
    },
    Key {
        name: "batch.max.messages",
        kind: Kind::Integer { min: 2, max: 10_000 },
        default: "512",
        unit: "messages",
        java: "",
        secret: false,
        text: "The most messages in an automatic batch.",
    },
    Key {
        name: "batch.linger.ms",
        kind: Kind::Integer { min: 1, max: 30_000 },
        default: "10",
        unit: "ms",
        java: "batchMaxDelayMs",
        secret: false,
        text: "With `batch.auto` = `linger`: how long a message may wait for others, but at most a quarter of its time.",
    },
    Key {
        name: "batch.split",
        kind: Kind::Boolean,
        default: "false",
        unit: "",
        java: "",
        secret: false,
        text: "Whether a batch that a program sends as one and that is larger than `max.message.size` goes as \
               several, one after the other. Otherwise it is refused.",
    },
    Key {
        name: "send.smart.msg",
        kind: Kind::Boolean,
        default: "true",
        unit: "",
        java: "org.apache.rocketmq.client.sendSmartMsg",
        secret: false,
        text: "Whether the headers of sends have the short field names of version 2 (code 310). `false`: the long \
               ones of version 1 (code 10), for brokers older than 3.5. Batches always have the short ones.",
    },
    Key {
        name: "create.topic.key",
        kind: Kind::Text(Rule::Topic),
        default: "TBW102",
        unit: "",
        java: "createTopicKey",
        secret: false,
        text: "The topic whose settings a broker copies when it creates a topic on its first message. Brokers that \
               create topics know `TBW102`.",
    },
    Key {
        name: "default.topic.queue.nums",
        kind: Kind::Integer { min: 1, max: 65_535 },
        default: "4",
        unit: "queues",
        java: "defaultTopicQueueNums",
        secret: false,
        text: "How many queues a topic gets that is created on its first message. The broker has an upper bound of \
               its own.",
    },
    Key {
        name: "max.message.size",
        // A frame has at most 16 MiB; 64 KiB of it are left for the header and the properties.
        kind: Kind::Integer { min: 1, max: 16_711_680 },
        default: "4194304",
        unit: "bytes",
        java: "maxMessageSize",
        secret: false,
        text: "The longest body that is sent. Brokers have a bound of their own, 4194304 bytes as they come.",
    },
    Key {
        name: "in.flight.max.messages",
        kind: Kind::Integer { min: 1, max: 10_000_000 },
        default: "100000",
        unit: "messages",
        java: "backPressureForAsyncSendNum",
        secret: false,
        text: "How many messages may be in flight: accepted, and their outcome not yet taken by the program. Over \
               it, `in.flight.full` decides.",
    },
    Key {
        name: "in.flight.max.bytes",
        kind: Kind::Integer { min: 1, max: 1_000_000_000_000 },
        default: "268435456",
        unit: "bytes",
        java: "backPressureForAsyncSendSize",
        secret: false,
        text: "How many bytes of messages may be in flight. Over it, `in.flight.full` decides.",
    },
    Key {
        name: "in.flight.full",
        kind: Kind::Choice(&["fail", "wait"]),
        default: "fail",
        unit: "",
        java: "",
        secret: false,
        text: "What a send does that finds too much in flight: `fail` at once with `QUEUE_FULL`, or `wait` for room \
               until its deadline.",
    },
    Key {
        name: "after.fork",
        kind: Kind::Choice(&["fail", "renew"]),
        default: "fail",
        unit: "",
        java: "",
        secret: false,
        text: "What a producer is in a child made by `fork`: `fail` answers every call with `FORKED`; `renew` makes \
               a fresh producer with the same settings, behind the same handle, at its first use there. What the \
               parent has in flight stays the parent's: the child hears nothing of it. Completion queues are not \
               renewed.",
    },
    Key {
        name: "header.encoding",
        kind: Kind::Choice(&["rocketmq", "json"]),
        default: "rocketmq",
        unit: "",
        java: "rocketmq.serialize.type",
        secret: false,
        text: "How the headers of requests are written: the binary `rocketmq` encoding, or `json`. Every server \
               reads both.",
    },
    Key {
        name: "client.language",
        kind: Kind::Choice(&[
            "JAVA", "CPP", "DOTNET", "PYTHON", "DELPHI", "ERLANG", "RUBY", "OTHER", "HTTP", "GO", "PHP",
            "OMS", "RUST", "NODE_JS",
        ]),
        default: "OTHER",
        unit: "",
        java: "language",
        secret: false,
        text: "The language brokers are told, for their operators' eyes. Old servers do not know the newer words: \
               `OMS` came with 4.3, `RUST` with 4.9.4, `NODE_JS` with 5.3.2.",
    },
    Key {
        name: "socket.send.buffer.bytes",
        kind: Kind::Integer { min: 0, max: 1_073_741_823 },
        default: "0",
        unit: "bytes",
        java: "clientSocketSndBufSize",
        secret: false,
        text: "The send buffer of each connection in the operating system; 0 leaves the choice to the system.",
    },
    Key {
        name: "socket.receive.buffer.bytes",
        kind: Kind::Integer { min: 0, max: 1_073_741_823 },
        default: "0",
        unit: "bytes",
        java: "clientSocketRcvBufSize",
        secret: false,
        text: "The receive buffer of each connection in the operating system; 0 leaves the choice to the system.",
    },
    Key {
        name: "socket.keepalive.ms",
        kind: Kind::Integer { min: 0, max: HOUR_MS },
        default: "0",
        unit: "ms",
        java: "",
        secret: false,
        text: "After so long without traffic the operating system asks the other one, four times within as long again, \
               whether the connection still stands (TCP keepalive, in whole seconds). 0: never; heartbeats find out as \
               well, if more slowly.",
    },
    Key {
        name: "socket.user.timeout.ms",
        kind: Kind::Integer { min: 0, max: HOUR_MS },
        default: "0",
        unit: "ms",
        java: "",
        secret: false,
        text: "How long what was written may stay without acknowledgement by the other operating system before the \
               connection is given up (TCP_USER_TIMEOUT; Linux only). 0: as the system is set up, some 15 minutes; \
               requests time out and are tried again on a new connection long before that.",
    },
    Key {
        name: "log.level",
        kind: Kind::Choice(&["off", "error", "warn", "info", "debug"]),
        default: "info",
        unit: "",
        java: "",
        secret: false,
        text: "How much is logged. A program that takes the log lines gets this level and those above it. Without \
               one only warnings and errors are written, to the standard error stream, at most 10 lines in 10 \
               seconds.",
    },
    Key {
        name: "test.mock.brokers",
        kind: Kind::Integer { min: 0, max: 100 },
        default: "0",
        unit: "brokers",
        java: "",
        secret: false,
        text: "For tests: above 0, the C and Python libraries start a name server and this many brokers in memory, \
               and the producer uses them instead of `name.server`. Nothing leaves the machine, nothing is kept.",
    },
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    /// What reads the settings, this table left out.
    fn readers(folder: &Path) -> Vec<String> {
        let paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        let (folders, files): (Vec<_>, Vec<_>) = paths.iter().partition(|path| path.is_dir());
        let files = files.into_iter().filter(|file| !file.ends_with("table.rs"));
        let files = files.map(|file| fs::read_to_string(file).unwrap());
        files.chain(folders.into_iter().flat_map(|folder| readers(folder))).collect()
    }

    #[test]
    fn no_key_is_taken_and_never_read() {
        let readers = readers(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config"));
        let is_read = |key: &&Key| readers.iter().any(|text| text.contains(&format!("(\"{}\"", key.name)));
        let unread: Vec<_> = TABLE.iter().filter(|key| !is_read(key)).map(|key| key.name).collect();
        assert_eq!(unread, [""; 0]);
    }
}
