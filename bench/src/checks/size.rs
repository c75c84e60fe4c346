//! What a user downloads and builds.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::finding::Finding;
use crate::Failure;

const MEBIBYTE: f64 = 1_048_576.0;

/// What is asked for on the command line.
#[derive(clap::Args)]
pub(crate) struct Wanted {
    /// Where librmq.so is
    #[arg(long, value_name = "DIR")]
    pub(super) library: Option<PathBuf>,
}

/// Size of the C library without symbols, and how many crates it is made of, ours included.
pub(super) fn run(wanted: &Wanted) -> Result<Vec<Finding>, Failure> {
    let executable = std::env::current_exe()?;
    let built = executable.parent().ok_or("this executable has no folder")?;
    let folder = wanted.library.as_deref().unwrap_or(built);
    let stripped = built.join("librmq.stripped.so");
    let size = stripped_size(&folder.join("librmq.so"), &stripped)?;
    let crates = crates_in(&cargo_tree()?).len();
    Ok(vec![
        Finding::new("`librmq.so` stripped", size as f64 / MEBIBYTE, "MiB", Some(4.0)),
        Finding::new("crates in its tree, ours included", crates as f64, "", Some(60.0)),
    ])
}

fn stripped_size(library: &Path, stripped: &Path) -> Result<u64, Failure> {
    let status = Command::new("strip")
        .arg("-s")
        .arg("-o")
        .arg(stripped)
        .arg(library)
        .status()
        .map_err(|error| format!("strip: {error}"))?;
    if !status.success() {
        return Err(format!("strip {}: {status}", library.display()).into());
    }
    let size = std::fs::metadata(stripped)?.len();
    std::fs::remove_file(stripped)?;
    Ok(size)
}

fn cargo_tree() -> Result<String, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let output = Command::new(cargo)
        .args(["tree", "--package", "rmq", "--edges", "normal", "--prefix", "none"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo tree: {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Name and version; a crate that many need has many lines.
fn crates_in(tree: &str) -> BTreeSet<(&str, &str)> {
    tree.lines()
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            Some((words.next()?, words.next()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_counts_once_for_each_version() {
        let tree = "rmq v0.1.0 (/somewhere)\nlibc v0.2.1\nlibc v0.2.1 (*)\nlibc v0.1.9\n\n";
        assert_eq!(crates_in(tree).len(), 3);
    }
}
