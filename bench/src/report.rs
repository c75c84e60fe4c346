//! Tables, plots and pages, made from results and from nothing else.

mod chart;
mod figures;
mod instructions;
mod pages;
mod peers;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::Failure;
use crate::results::Results;

/// Where results go.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("results")
}

/// One benchmark as Markdown.
pub(crate) fn text(results: &Results) -> String {
    [table::text(results), instructions::text(results), peers::text(results), table::remarks(results)]
        .concat()
}

/// Makes `results/summary.md`, the plots beside it and the figures in `docs/performance.md` from files of results. Those
/// that one command left at different times are one benchmark.
pub(crate) fn run(files: &[PathBuf]) -> Result<ExitCode, Failure> {
    let mut all: Vec<Results> = Vec::new();
    for file in files {
        let results = Results::read(file)?;
        match all.iter_mut().find(|other| other.session == results.session) {
            Some(other) => other.append(results),
            None => all.push(results),
        }
    }
    pages::write(&all)?;
    let valid = all.iter().all(Results::is_valid);
    Ok(if valid { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
