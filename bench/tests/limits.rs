//! The null broker and the limits as processes, the way the harness runs them.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::process::{Command, Output};

fn bench(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rmq-bench")).args(words).output().unwrap()
}

fn outcome(words: &[&str]) -> serde_json::Value {
    let output = bench(words);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn ping_pong_counts_every_answer() {
    let outcome = outcome(&["raw-lone", "--count", "500", "--warm-up", "10"]);
    assert_eq!((&outcome["count"], &outcome["succeeded"]), (&500.into(), &500.into()));
    assert_eq!(outcome["latency"]["samples"], 500);
}

#[test]
fn pipelined_ends_at_its_count_for_any_window() {
    for (window, body) in [("1", "256"), ("7", "1"), ("1024", "256"), ("100", "100000"), ("2", "9000000")] {
        let words = ["raw-async", "--count", "1001", "--window", window, "--body", body];
        let count = if body == "9000000" { "5" } else { "1001" };
        let outcome = outcome(&[&words[..2], &[count], &words[3..]].concat());
        assert_eq!(outcome["succeeded"].to_string(), count, "window {window}, body {body}");
    }
}

#[test]
fn batches_one_way_frames_and_several_connections_arrive() {
    for words in [
        &["raw-batch", "--batch", "8", "--count", "800", "--warm-up", "80"][..],
        &["raw-oneway", "--count", "800", "--window", "7"],
        &["raw-async", "--count", "801", "--window", "64", "--threads", "4"],
    ] {
        let outcome = outcome(words);
        assert_eq!(outcome["succeeded"], outcome["count"], "{words:?}");
    }
    let half_a_batch = bench(&["raw-batch", "--batch", "8", "--count", "801", "--warm-up", "0"]);
    assert!(String::from_utf8_lossy(&half_a_batch.stderr).contains("whole batches"));
}

#[test]
fn mistakes_end_the_program() {
    for words in [&["no-such-program"][..], &["raw-async", "--colour", "red"], &["--only", "nothing"]] {
        let output = bench(words);
        assert!(!output.status.success() && output.stdout.is_empty(), "{words:?}");
        assert!(!output.stderr.is_empty(), "{words:?}");
    }
}
