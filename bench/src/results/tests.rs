//! Medians, ratios and what voids a run.

use super::*;
use crate::measure::Outcome;
use crate::workload::Mode;

fn results() -> Results {
    Results::new(Session::now("command".to_owned(), "null".to_owned(), String::new()))
}

fn case(program: &str) -> Case {
    Case {
        program: program.to_owned(),
        driver: "c".to_owned(),
        mode: Mode::Async,
        window: 1,
        body: 256,
        limit: None,
        ours: Vec::new(),
        version: None,
    }
}

fn run(program: &str, round: u32, seconds: f64, succeeded: u64, received: u64) -> Run {
    let outcome = Outcome {
        count: 100,
        warm_up: 10,
        succeeded,
        failed: 0,
        doubled: 0,
        seconds,
        user_seconds: 0.5,
        system_seconds: 0.5,
        latency: None,
        slowest_thread: None,
        peak_rss_kib: None,
        threads: None,
        allocations_per_message: None,
        target: None,
    };
    let section = Section {
        asked: 110,
        received,
        send_bytes: Some(received * 500),
        reads: Some(1),
        broker_seconds: 0.0,
        other_cores: 0.0,
    };
    Run::new(case(program), round, outcome, section)
}

#[test]
fn ratios_are_taken_within_a_round() {
    let mut results = results();
    for (round, of_limit, of_ours) in [(1, 1.0, 2.0), (2, 10.0, 20.0), (3, 100.0, 200.0)] {
        results.runs.push(run("limit", round, of_limit, 100, 110));
        results.runs.push(run("ours", round, of_ours, 100, 110));
    }
    assert_eq!(results.ratio("ours", "limit", |run| Some(run.messages_per_second)), Some(0.5));
    assert_eq!(results.ratio("ours", "nobody", |run| Some(run.messages_per_second)), None);
    assert_eq!(results.median("ours", |run| run.frame_bytes), Some(500.0));
    assert_eq!(results.cases().len(), 2);
    assert!(results.is_valid());
}

#[test]
fn rounds_of_another_time_count_on() {
    let mut all = results();
    for (of_limit, of_ours) in [(1.0, 2.0), (10.0, 40.0)] {
        let mut piece = results();
        piece.runs.push(run("limit", 1, of_limit, 100, 110));
        piece.runs.push(run("ours", 1, of_ours, 100, 110));
        all.append(piece);
    }
    assert_eq!(all.rounds(), 2);
    assert_eq!(all.ratio("ours", "limit", |run| Some(run.messages_per_second)), Some(0.375));
}

#[test]
fn a_lost_or_doubled_message_voids_the_run() {
    for (succeeded, received) in [(99, 110), (100, 109), (100, 111), (101, 110)] {
        let mut results = results();
        results.runs.push(run("ours", 1, 1.0, succeeded, received));
        assert!(!results.is_valid(), "{succeeded} succeeded, {received} received");
        assert_eq!(results.valid("ours").count(), 0);
    }
}

#[test]
fn lines_bring_everything_back() {
    let path = std::env::temp_dir().join(format!("rmq-bench-lines-{}.jsonl", std::process::id()));
    let mut written = results();
    written.runs.push(run("ours", 1, 1.0, 100, 110));
    written.costs.push(Cost {
        program: "ours".to_owned(),
        allocations: Ok(1.5),
        system_calls: Err("no means".to_owned()),
    });
    written.missing.push("theirs: not there".to_owned());
    written.failures.push("round 1: ended".to_owned());
    written.write(&path).unwrap();
    let read = Results::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(format!("{read:?}"), format!("{written:?}"));
}

#[test]
fn medians() {
    assert_eq!(median(Vec::new()), None);
    assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
    assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
}
