//! Whether a message costs the same however much there is of everything: topics, queues, brokers, messages in
//! flight, threads.
//!
//! Along each axis one number grows and the others keep their usual value. Every point is a process of its own
//! against a null broker of its own.

mod axis;
mod point;
mod spread;
mod table;

use std::process::ExitCode;

use crate::Failure;
use crate::arguments::Arguments;
use crate::harness::placement::Placement;
use crate::lines;
use crate::results::Session;
use axis::Axis;
use point::{Measured, Point};
pub(crate) use spread::run as spread;

/// Measures the axes, round by round, and prints a Markdown table.
pub(crate) fn run(arguments: &mut Arguments) -> Result<ExitCode, Failure> {
    let command = format!("cargo xtask bench scale{}", arguments.words_without(&[]));
    let axes = arguments.list("axis")?.unwrap_or_else(|| Axis::ALL.to_vec());
    let series: Vec<String> =
        arguments.list("batch-auto")?.unwrap_or_else(|| vec!["off".to_owned(), "pressure".to_owned()]);
    let runs = arguments.number("runs")?.unwrap_or(3).max(1);
    let scale: f64 = arguments.number("scale")?.unwrap_or(1.0);
    let placement = Placement::from_text(arguments.text("placement").as_deref())?;
    arguments.end()?;

    let session = Session::now(command, "null broker".to_owned(), placement.to_string());
    let points: Vec<Point> = series
        .iter()
        .flat_map(|batching| axes.iter().flat_map(|axis| axis.points(batching, scale)))
        .collect();
    let (mut measured, mut failures): (Vec<Measured>, Vec<String>) = Default::default();
    for round in 1..=runs {
        for point in &points {
            match point.measure(&placement) {
                Ok(run) => {
                    eprintln!("{round}/{runs} {run}");
                    measured.push(run);
                }
                Err(failure) => {
                    eprintln!("{round}/{runs} {failure}");
                    failures.push(format!("round {round}: {failure}"));
                }
            }
        }
    }
    let lines = lines::write("scale", &session, &measured)?;
    println!("{session}\n\n{}", table::text(&points, &measured, runs));
    for failure in &failures {
        println!("FAILED: {failure}\n");
    }
    eprintln!("every run: {}", lines.display());
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
