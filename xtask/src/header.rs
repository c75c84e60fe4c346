//! `cargo xtask header`: the files in the tree that are printed from the sources.

mod stub;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use crate::test::map;
use crate::workspace::Workspace;
use crate::{Failure, command};

/// The headers that the build of the C library writes.
pub(crate) const GENERATED_HEADERS: [&str; 2] = ["include/rmq.h", "include/rmq_mock.h"];

/// A file, and what prints it.
pub(crate) type PrintedPage = (&'static str, fn() -> String);

/// What tables in the sources print: pages of the manual, and the stub of the Python package.
pub(crate) const PRINTED_PAGES: [PrintedPage; 4] = [
    ("docs/configuration.md", rocketmq_producer::config::manual),
    ("docs/statistics.md", rocketmq_producer::stats::manual),
    ("docs/rooms.md", map::page),
    (stub::STUB, stub::stub),
];

pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode, Failure> {
    command::must(&mut workspace.build_library())?;
    for (file, page) in PRINTED_PAGES {
        write(&workspace.root.join(file), &page())?;
    }
    let pages = PRINTED_PAGES.map(|(file, _)| file);
    for file in GENERATED_HEADERS.iter().chain(&pages) {
        println!("{file} is up to date");
    }
    Ok(ExitCode::SUCCESS)
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    if fs::read_to_string(file).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(file, text).map_err(|cause| format!("write {}: {cause}", file.display()).into())
}
