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
use crate::arguments::{self, Rounds, item};
use crate::harness::placement::Placement;
use crate::lines;
use crate::results::Session;
use axis::Axis;
use point::{Measured, Point};
pub(crate) use spread::{Spread, run as spread};

/// What is asked for on the command line.
#[derive(clap::Args)]
pub(crate) struct Wanted {
    /// Some of topics, queues, brokers, full-brokers, window, threads
    #[arg(long, value_delimiter = ',', default_values_t = Axis::ALL, value_parser = item::<Axis>)]
    axis: Vec<Axis>,
    #[arg(long, value_name = "HOW", value_delimiter = ',', default_value = "off,pressure", value_parser = item::<String>)]
    batch_auto: Vec<String>,
    #[command(flatten)]
    rounds: Rounds,
}

/// Measures the axes, round by round, and prints a Markdown table.
pub(crate) fn run(wanted: &Wanted) -> Result<ExitCode, Failure> {
    let command = arguments::command(std::env::args().skip(1), &[]);
    let Wanted { axis: axes, batch_auto: series, rounds } = wanted;
    let (runs, scale) = (rounds.runs.unwrap_or(3), rounds.scale);
    let placement = Placement::from_text(&rounds.placement)?;

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
