//! Checks of budgets as processes.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::process::Command;

fn findings(words: &[&str]) -> Vec<serde_json::Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_rmq-bench")).args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn first_sends_take_time() {
    let findings = findings(&["first-send", "--processes", "3"]);
    let value = |number: usize| findings[number]["value"].as_f64().unwrap();
    assert!(value(0) > 0.0 && value(0) <= value(1), "{findings:?}");
}

#[test]
fn messages_in_flight_take_memory() {
    for batching in ["off", "pressure"] {
        let findings = findings(&["memory", "--count", "20000", "--batch-auto", batching]);
        assert!(findings[0]["value"].as_f64().unwrap() > 0.0, "{findings:?}");
    }
}

#[test]
fn an_idle_producer_has_threads() {
    let findings = findings(&["idle", "--seconds", "1"]);
    assert_eq!(findings.len(), 3, "{findings:?}");
    assert!(findings[0]["value"].as_f64().unwrap() >= 1.0, "{findings:?}");
}

#[test]
fn a_quiet_producer_is_measured_beside_a_loud_one() {
    let findings = findings(&["neighbour", "--count", "5", "--window", "100"]);
    assert_eq!(findings.len(), 9, "{findings:?}");
    for finding in &findings {
        let missed = finding["what"].as_str().unwrap().ends_with("missed their limit");
        assert!(missed || finding["value"].as_f64().unwrap() > 0.0, "{findings:?}");
    }
}
