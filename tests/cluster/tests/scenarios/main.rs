//! One table of requests and expected answers, held against the three real versions and against the mock. The mock is
//! right only where it agrees with them.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod batch_queue_rows;
mod batch_rows;
mod bodies;
mod expect;
mod moved_rows;
mod naming_rows;
mod query_rows;
mod requests;
mod send_rows;
mod table;
mod topic_rows;
mod transaction_rows;
mod vip_rows;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cluster::reader::{self, Wanted};
use cluster::wire::{Connection, Request};
use cluster::{LaunchError, Options, RealCluster, Version};
use rocketmq_mock::{Keep, MockCluster, MockOptions, Profile};

use expect::{Column, Columns};
use table::{Action, BodyRule, Peer, Row, Seen, Table};

/// Real clusters run one after another: two at once starve each other on a small machine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
const VISIBLE_LIMIT: Duration = Duration::from_secs(15);

/// Rows for brokers that make no topics.
fn closed_table() -> Table {
    let mut table = Table::default();
    topic_rows::add_closed(&mut table);
    table
}

fn table() -> Table {
    let mut table = Table::default();
    send_rows::add(&mut table);
    moved_rows::add(&mut table);
    batch_rows::add(&mut table);
    batch_queue_rows::add(&mut table);
    query_rows::add(&mut table);
    naming_rows::add(&mut table);
    topic_rows::add(&mut table);
    vip_rows::add(&mut table);
    transaction_rows::add(&mut table);
    batch_rows::add_last(&mut table);
    table
}

/// A cluster's addresses and what it is expected to be like.
struct Target {
    column: Column,
    name_server: String,
    broker: String,
}

impl Target {
    fn real(cluster: &RealCluster, column: Column) -> Target {
        let broker = cluster.broker_address(0).expect("one broker");
        Target { column, name_server: cluster.name_server(), broker }
    }

    fn mock(cluster: &MockCluster, column: Column) -> Target {
        let broker = cluster.broker_address("broker-0").expect("one broker");
        Target { column, name_server: cluster.name_server(), broker }
    }

    /// Runs every row and reports all that differ.
    fn check(&self, table: Table) {
        let mut connections = [Peer::NameServer, Peer::Broker, Peer::Vip].map(|peer| self.connect(peer));
        let mut seen = Seen::new();
        let mut failures = Vec::new();
        let rows = table.rows;
        for row in &rows {
            let connection = &mut connections[row.peer as usize];
            match self.run(row, connection, &mut seen) {
                Ok(differences) if differences.is_empty() => {}
                Ok(differences) => failures.push(format!("{}: {}", row.name, differences.join("; "))),
                Err(error) => {
                    failures.push(format!("{}: {error}", row.name));
                    *connection = self.connect(row.peer);
                }
            }
        }
        assert!(
            failures.is_empty(),
            "{} of {} rows differ:\n{}",
            failures.len(),
            rows.len(),
            failures.join("\n")
        );
    }

    fn connect(&self, peer: Peer) -> Connection {
        let address = match peer {
            Peer::NameServer => self.name_server.clone(),
            Peer::Broker => self.broker.clone(),
            Peer::Vip => vip_rows::vip_address(&self.broker),
        };
        Connection::open(&address).unwrap_or_else(|e| panic!("{e}"))
    }

    fn run(
        &self,
        row: &Row,
        connection: &mut Connection,
        seen: &mut Seen,
    ) -> Result<Vec<String>, LaunchError> {
        match &row.action {
            Action::Call { request, expected, body } => {
                let request = request(seen);
                self.call(row.name, connection, &request, expected, body.as_deref(), seen)
            }
            Action::Until { request, expected, body } => {
                let deadline = Instant::now() + VISIBLE_LIMIT;
                loop {
                    let request = request(seen);
                    let found = self.call(row.name, connection, &request, expected, body.as_deref(), seen)?;
                    if found.is_empty() || Instant::now() > deadline {
                        return Ok(found);
                    }
                    std::thread::sleep(Duration::from_millis(25));
                }
            }
            Action::Closes(bytes) => {
                let mut own = self.connect(row.peer);
                own.send_bytes(bytes)?;
                let closed = own.is_closed_by_server()?;
                Ok(if closed { Vec::new() } else { vec![format!("{:?} answered", row.peer)] })
            }
        }
    }

    fn call(
        &self,
        name: &'static str,
        connection: &mut Connection,
        request: &Request,
        expected: &Columns,
        body: Option<&BodyRule>,
        seen: &mut Seen,
    ) -> Result<Vec<String>, LaunchError> {
        let expected = expected.of(self.column);
        if expected.is_silence() {
            // An answer to `request` would come first, or at least with another opaque than the probe's.
            connection.send(request)?;
            return connection.call(&requests::probe()).map(|_| Vec::new());
        }
        let answer = connection.call(request)?;
        let mut found = expected.differences(&answer, request.encoding, self.column);
        if found.is_empty() {
            found.extend(body.and_then(|check| check(&answer, seen).err()));
        }
        seen.insert(name, answer);
        Ok(found)
    }
}

fn real(version: Version, column: Column) {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut options = Options::new(version);
    let cluster = RealCluster::start(&options).unwrap_or_else(|e| panic!("{e}"));
    Target::real(&cluster, column).check(table());
    check_read_back(&cluster);
    drop(cluster);
    options.extra_broker_conf.push(("autoCreateTopicEnable".to_owned(), "false".to_owned()));
    let cluster = RealCluster::start(&options).unwrap_or_else(|e| panic!("{e}"));
    Target::real(&cluster, column).check(closed_table());
}

/// What the rows stored is what Apache's client reads: so raw requests and reader prove each other.
fn check_read_back(cluster: &RealCluster) {
    let wanted = [Wanted { topic: "T_plain".to_owned(), count: 13 }];
    let read =
        reader::read(cluster.version(), &cluster.name_server(), &wanted).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(read.len(), 13);
    let second =
        read.iter().find(|message| message.unique_id == requests::unique(2)).expect("the second send");
    let property = |name: &str| second.properties.get(name).map(String::as_str);
    assert_eq!((second.queue_id, second.queue_offset, second.flag), (0, 1, 7));
    assert_eq!((second.body.as_slice(), second.born_timestamp), (&b"hi"[..], requests::BORN));
    assert_eq!((second.keys.as_deref(), second.tags.as_deref()), (Some("k1 k2"), Some("A")));
    assert_eq!(property("Größe"), Some("grün"));
    assert_eq!(Some(second.store_host.clone()), cluster.broker_address(0));
}

fn mock(profile: Profile, column: Column) {
    let options = MockOptions { brokers: 1, profile, keep: Keep::All, ..MockOptions::default() };
    let cluster = MockCluster::start(options.clone()).expect("loopback ports");
    cluster.set_zone("broker-0", Some(cluster::launcher::ZONE)).expect("one broker");
    Target::mock(&cluster, column).check(table());
    let options = MockOptions { auto_create: false, ..options };
    let cluster = MockCluster::start(options).expect("loopback ports");
    Target::mock(&cluster, column).check(closed_table());
}

#[test]
fn real_4_9_7() {
    real(Version::V4_9_7, Column::V4_9_7);
}

#[test]
fn real_5_3_3() {
    real(Version::V5_3_3, Column::V5_3_3);
}

#[test]
fn real_5_5_0() {
    real(Version::V5_5_0, Column::V5_5_0);
}

#[test]
fn mock_4_9() {
    mock(Profile::V4_9, Column::V4_9_7);
}

#[test]
fn mock_5() {
    mock(Profile::V5, Column::V5_5_0);
}

#[test]
fn row_names_are_unique() {
    let rows: Vec<Row> = table().rows.into_iter().chain(closed_table().rows).collect();
    let closing = |row: &&Row| matches!(row.action, Action::Closes(_));
    let names: Vec<_> = rows.iter().filter(|row| !closing(row)).map(|row| row.name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}
