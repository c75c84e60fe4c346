//! A revision of this repository as an executable.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::{Failure, c_driver};

/// One side of the comparison.
#[derive(Debug)]
pub(super) struct Revision {
    /// `A` or `B`, as the table calls it.
    pub(super) letter: char,
    /// Commit and first line of its message.
    pub(super) name: String,
    /// Its `rmq-bench`.
    pub(super) executable: PathBuf,
    /// Its driver in C, with its library.
    pub(super) c_driver: PathBuf,
}

impl Revision {
    /// Checks `revision` out and builds it, unless its commit has been built before. Source and build folder are
    /// those of the last revision, so that only what changed between the two is compiled.
    pub(super) fn build(revision: &str) -> Result<Revision, Failure> {
        let commit = git(["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")])
            .map_err(|_| format!("--against {revision:?}: no such commit"))?;
        let folder = folder()?;
        let built = folder.join("revisions").join(&commit);
        let side = Revision {
            letter: 'A',
            name: described(&commit)?,
            executable: built.join("rmq-bench"),
            c_driver: built.join("c"),
        };
        // The driver in C comes last.
        if !side.c_driver.exists() {
            let start = Instant::now();
            eprintln!("building {revision}");
            fs::create_dir_all(&built)?;
            let source = folder.join("source");
            check_out(&source, &commit)?;
            let release = compile(&source, &folder.join("build"))?;
            fs::copy(release.join("rmq-bench"), &side.executable)?;
            fs::copy(release.join("librmq.so"), built.join("librmq.so"))?;
            compile_c_driver(&source.join("bench"), &built, &built)?;
            eprintln!("building took {} s", start.elapsed().as_secs());
        }
        Ok(side)
    }

    /// This executable, and the state of the tree that it was built from.
    pub(super) fn of_this_tree() -> Result<Revision, Failure> {
        let mut name = described("HEAD")?;
        if !git(["status", "--porcelain", "--untracked-files=no"])?.is_empty() {
            name.push_str(", with changes");
        }
        let executable = std::env::current_exe()?;
        let release = executable.parent().ok_or("this executable has no folder")?;
        let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
        let c_driver = compile_c_driver(bench, release, &folder()?.join("this-tree"))?;
        Ok(Revision { letter: 'B', name, executable, c_driver })
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

/// The folder of what was built.
fn compile(source: &Path, build: &Path) -> Result<PathBuf, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let status = Command::new(cargo)
        .args([
            "build",
            "--release",
            "--locked",
            "--package",
            "rmq-bench",
            "--package",
            "rmq",
            "--target-dir",
        ])
        .arg(build)
        .current_dir(source)
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if !status.success() {
        return Err(format!("cargo build in {}: {status}", source.display()).into());
    }
    Ok(build.join("release"))
}

/// The driver of the tree that has this `bench` folder.
fn compile_c_driver(bench: &Path, library: &Path, output: &Path) -> Result<PathBuf, Failure> {
    let (sources, include) = (bench.join("drivers/c"), bench.join("../include"));
    let parts = c_driver::Parts { sources: &sources, include: &include, library, output };
    Ok(c_driver::compile(&parts)??)
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
