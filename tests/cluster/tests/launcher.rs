//! Every version starts, answers, comes back on the same port after a kill, and leaves no process behind.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use cluster::{Options, RealCluster, Version};

/// Two clusters at once starve each other on a small machine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn starts_and_stops(version: Version) {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let cluster = RealCluster::start(&Options::new(version)).unwrap_or_else(|e| panic!("{e}"));
    let processes = cluster.process_ids();
    assert_eq!(processes.len(), 2, "a name server and a broker");
    assert!(processes.iter().copied().all(is_running));
    let addresses = [cluster.name_server(), cluster.broker_address(0).expect("the broker's address")];
    for address in &addresses {
        TcpStream::connect(address).unwrap_or_else(|e| panic!("{address}: {e}"));
    }
    drop(cluster);
    assert!(!processes.iter().copied().any(is_running), "of {processes:?} some still run");
    for address in &addresses {
        assert!(TcpStream::connect(address).is_err(), "{address} still listens");
    }
}

#[test]
fn version_4_9_7() {
    starts_and_stops(Version::V4_9_7);
}

#[test]
fn version_5_3_3() {
    starts_and_stops(Version::V5_3_3);
}

#[test]
fn version_5_5_0() {
    starts_and_stops(Version::V5_5_0);
}

#[test]
fn killed_broker_comes_back() {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut cluster = RealCluster::start(&Options::new(Version::V4_9_7)).unwrap_or_else(|e| panic!("{e}"));
    let address = cluster.broker_address(0).expect("the broker's address");
    cluster.kill_broker(0);
    assert!(TcpStream::connect(&address).is_err(), "{address} still listens");
    cluster.start_broker(0).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(cluster.broker_address(0).as_deref(), Some(address.as_str()));
    TcpStream::connect(&address).unwrap_or_else(|e| panic!("{address}: {e}"));
}

#[test]
fn a_broker_that_cannot_start_is_an_error_with_its_output() {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut options = Options::new(Version::V4_9_7);
    options.extra_broker_conf.push(("listenPort".to_owned(), "70000".to_owned()));
    let error = RealCluster::start(&options).expect_err("there is no such port").to_string();
    assert!(error.contains("broker-0") && error.contains("70000"), "{error}");
}

#[test]
fn servers_end_with_a_killed_test_process() {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut keeper = Command::new(env!("CARGO_BIN_EXE_keep-cluster"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("start the keeper");
    let output = BufReader::new(keeper.stdout.take().expect("its output"));
    let servers: Vec<u32> = output
        .lines()
        .map_while(Result::ok)
        .find_map(|line| {
            Some(line.strip_prefix("servers ")?.split(' ').map(|id| id.parse().expect("id")).collect())
        })
        .expect("the keeper's cluster");
    assert!(servers.iter().copied().all(is_running));
    keeper.kill().expect("SIGKILL");
    keeper.wait().expect("its end");
    let deadline = Instant::now() + Duration::from_secs(10);
    while servers.iter().copied().any(is_running) {
        assert!(Instant::now() < deadline, "of {servers:?} some outlive the killed test by 10 s");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A process that has ended but was not waited for (a zombie) does not count: its parent may be slow to do so.
fn is_running(id: u32) -> bool {
    let stat =
        std::fs::read_to_string(Path::new("/proc").join(id.to_string()).join("stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim_start().starts_with('Z'))
}
