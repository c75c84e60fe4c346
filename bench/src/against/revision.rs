//! A revision of this repository as an executable.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Failure;

/// One side of the comparison.
#[derive(Debug)]
pub(super) struct Revision {
    /// `A` or `B`, as the table calls it.
    pub(super) letter: char,
    /// Commit and first line of its message.
    pub(super) name: String,
    /// Its `rmq-bench`.
    pub(super) executable: PathBuf,
}

impl Revision {
    /// Checks `revision` out and builds it, unless its commit has been built before. Source and build folder are
    /// those of the last revision, so that only what changed between the two is compiled.
    pub(super) fn build(revision: &str) -> Result<Revision, Failure> {
        let commit = git(["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")])
            .map_err(|_| format!("--against {revision:?}: no such commit"))?;
        let folder = folder()?;
        let executable = folder.join(&commit);
        if !executable.exists() {
            eprintln!("building {revision}");
            fs::create_dir_all(&folder)?;
            let source = folder.join("source");
            check_out(&source, &commit)?;
            fs::copy(compile(&source, &folder.join("build"))?, &executable)?;
        }
        Ok(Revision { letter: 'A', name: described(&commit)?, executable })
    }

    /// This executable, and the state of the tree that it was built from.
    pub(super) fn of_this_tree() -> Result<Revision, Failure> {
        let mut name = described("HEAD")?;
        if !git(["status", "--porcelain", "--untracked-files=no"])?.is_empty() {
            name.push_str(", with changes");
        }
        Ok(Revision { letter: 'B', name, executable: std::env::current_exe()? })
    }
}

/// Where everything that comparisons need is kept, inside cargo's target folder.
pub(super) fn folder() -> Result<PathBuf, Failure> {
    let executable = std::env::current_exe()?;
    let target = executable.ancestors().nth(2).ok_or("this executable is in no target folder")?;
    Ok(target.join("against"))
}

fn described(commit: &str) -> Result<String, Failure> {
    git(["log", "-1", "--format=%h %s", commit])
}

fn check_out(source: &Path, commit: &str) -> Result<(), Failure> {
    let place = source.to_string_lossy();
    if source.join(".git").exists() {
        git(["-C", &place, "checkout", "--quiet", "--force", "--detach", commit])?;
    } else {
        // Forced, because git still knows of a worktree whose folder was deleted with all of `target/`.
        git(["worktree", "add", "--quiet", "--force", "--detach", &place, commit])?;
    }
    Ok(())
}

fn compile(source: &Path, build: &Path) -> Result<PathBuf, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let status = Command::new(cargo)
        .args(["build", "--release", "--locked", "--package", "rmq-bench", "--target-dir"])
        .arg(build)
        .current_dir(source)
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if !status.success() {
        return Err(format!("cargo build in {}: {status}", source.display()).into());
    }
    Ok(build.join("release/rmq-bench"))
}

/// What git prints, without the last line's end.
fn git<const N: usize>(words: [&str; N]) -> Result<String, Failure> {
    let output = Command::new("git")
        .args(words)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("git: {error}"))?;
    if !output.status.success() {
        return Err(format!("git {}: {}", words.join(" "), output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}
