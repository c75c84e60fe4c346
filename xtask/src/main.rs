//! The project's own commands: `cargo xtask demo | test | header | bench`.

mod bench;
mod command;
mod demo;
mod header;
mod options;
mod python;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use workspace::Workspace;

/// Why a command ended early, in words for the person at the terminal.
type Failure = Box<dyn std::error::Error + Send + Sync>;

const USAGE: &str = "\
cargo xtask demo [--name-server HOST:PORT | --real [VERSION]] [--topic T] [--count N]
    sends from C and from Python: to a mock cluster, to a cluster of yours, or to an Apache one started for it
cargo xtask test [--only rust,c,python,cluster,checks] [--under-load]
    runs every test there is, or those parts; --under-load keeps all cores busy with other programs meanwhile
cargo xtask header
    writes the C headers, the printed pages of docs/ and the stub of the Python package from the sources (also: cargo xtask docs)
cargo xtask bench …
    runs the benchmark; its own options follow (try --help)";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let name = words.next().unwrap_or_default();
    match run(&name, words.collect()) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("cargo xtask {name}: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: &str, words: Vec<String>) -> Result<ExitCode, Failure> {
    if name == "bench" {
        return bench::run(&Workspace::find()?, &words);
    }
    if matches!(name, "" | "help" | "--help" | "-h") || words.iter().any(|word| word == "--help") {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    }
    match name {
        "demo" => demo::run(&Workspace::find()?, words),
        "test" => test::run(&Workspace::find()?, words),
        "header" | "docs" => header::run(&Workspace::find()?, words),
        _ => Err(format!("no such command\n{USAGE}").into()),
    }
}
