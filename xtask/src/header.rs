//! `cargo xtask header`: the files in the tree that are printed from the sources.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::options::Options;
use crate::workspace::Workspace;
use crate::{Failure, command};

/// The headers that the build of the C library writes.
pub(crate) const GENERATED_HEADERS: [&str; 2] = ["include/rmq.h", "include/rmq_mock.h"];

const CONFIGURATION_PAGE: &str = "docs/configuration.md";

pub(crate) fn run(workspace: &Workspace, words: Vec<String>) -> Result<ExitCode, Failure> {
    Options::parse(words, &[])?;
    command::must(&mut workspace.build_library())?;
    let page = configuration_page(workspace);
    write(&page, &rocketmq_producer::config::manual())?;
    for file in GENERATED_HEADERS {
        println!("{file} is up to date");
    }
    println!("{CONFIGURATION_PAGE} is up to date");
    Ok(ExitCode::SUCCESS)
}

/// The manual's page of configuration keys.
pub(crate) fn configuration_page(workspace: &Workspace) -> PathBuf {
    workspace.root.join(CONFIGURATION_PAGE)
}

fn write(file: &PathBuf, text: &str) -> Result<(), Failure> {
    if fs::read_to_string(file).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(file, text).map_err(|cause| format!("write {}: {cause}", file.display()).into())
}
