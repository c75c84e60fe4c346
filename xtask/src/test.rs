//! `cargo xtask test`: every test there is, in parts that can be run alone.

mod blocks;
mod c;
mod checks;
mod citations;
mod cluster;
mod load;
mod manual;
pub(crate) mod map;
mod part;
mod pythons;
mod rust;
mod tally;

use std::process::ExitCode;
use std::time::Instant;

use clap::builder::PossibleValuesParser;

use crate::Failure;
use crate::tools::{self, Tool};
use crate::workspace::Workspace;
use load::Load;
use part::Part;
use tally::Tally;

/// A part of the tests.
struct Kind {
    name: &'static str,
    heading: &'static str,
    tools: &'static [&'static [Tool]],
    run: fn(&mut Part<'_>) -> Result<(), Failure>,
}

/// All parts, the quick ones first.
const KINDS: [Kind; 5] = [
    Kind { name: "checks", heading: "the tree itself", tools: &[tools::C, tools::GIT], run: checks::run },
    Kind { name: "rust", heading: "Rust crates", tools: &[tools::C], run: rust::run },
    Kind {
        name: "c",
        heading: "C library, C and C++ programs",
        tools: &[tools::C, tools::C_TESTS],
        run: c::run,
    },
    Kind {
        name: "python",
        heading: "Python package",
        tools: &[tools::C, tools::PYTHON, tools::PYTHON_TESTS],
        run: pythons::run,
    },
    Kind {
        name: "cluster",
        heading: "real Apache RocketMQ",
        tools: &[tools::C, tools::PYTHON, tools::JAVA],
        run: cluster::run,
    },
];

#[derive(clap::Args)]
pub(crate) struct Wanted {
    /// These parts alone
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(KINDS.map(|kind| kind.name)))]
    only: Option<Vec<String>>,
    /// Keeps all cores busy with other programs meanwhile
    #[arg(long)]
    under_load: bool,
}

pub(crate) fn run(workspace: &Workspace, wanted: &Wanted) -> Result<ExitCode, Failure> {
    let kinds = chosen(wanted.only.as_deref());
    let needed: Vec<_> = kinds.iter().flat_map(|kind| kind.tools).copied().collect();
    tools::require(&needed)?;

    let _load = if wanted.under_load { Some(Load::start()?) } else { None };
    let mut total = Tally::default();
    let mut sound = true;
    for kind in kinds {
        let tally = run_part(workspace, kind);
        total.add(&tally);
        sound &= tally.is_good();
    }
    println!("\n{total}");
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn chosen(only: Option<&[String]>) -> Vec<&'static Kind> {
    let is_chosen = |kind: &&Kind| only.is_none_or(|names| names.iter().any(|name| name == kind.name));
    KINDS.iter().filter(is_chosen).collect()
}

fn run_part(workspace: &Workspace, kind: &Kind) -> Tally {
    println!("\n== {}: {}", kind.name, kind.heading);
    let start = Instant::now();
    let mut part = Part::new(workspace);
    if let Err(failure) = (kind.run)(&mut part) {
        part.failed("this part", &failure.to_string());
    }
    let tally = part.end();
    println!("== {}: {tally}, {:.1} s", kind.name, start.elapsed().as_secs_f64());
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_chosen_by_name_and_run_in_their_own_order() {
        let names = |only| chosen(only).iter().map(|kind| kind.name).collect::<Vec<_>>();
        let two = ["python".to_owned(), "rust".to_owned()];
        assert_eq!(names(Some(&two)), ["rust", "python"]);
        assert_eq!(names(None).len(), KINDS.len());
    }

    #[test]
    fn a_part_without_tests_and_a_part_that_breaks_off_are_failures() {
        let workspace = Workspace { root: "/".into(), target: "/".into() };
        let kind = |run| Kind { name: "x", heading: "x", tools: &[], run };
        assert!(!run_part(&workspace, &kind(|_| Ok(()))).is_good());
        assert!(!run_part(&workspace, &kind(|_| Err("broken".into()))).is_good());
        let good = kind(|part| {
            part.verify("fine", || Ok(()));
            Ok(())
        });
        assert!(run_part(&workspace, &good).is_good());
    }
}
