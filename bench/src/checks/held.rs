//! The bytes that this process holds of malloc, each of them counted.
//!
//! Resident memory is no measure for a few bytes of a message: it has what malloc keeps of buffers that have grown and moved, and
//! that is another amount in each run. So the program is started again with a library before it that counts
//! (`drivers/count_held.c`), and reads the count from a file.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::finding::Finding;
use crate::{Failure, preload};

/// The count of this process.
pub(super) struct Held<'a>(&'a Path);

impl<'a> Held<'a> {
    /// That of the process which [`counted`] started with this file.
    pub(super) fn of_file(file: &'a Path) -> Self {
        Self(file)
    }

    pub(super) fn bytes(&self) -> Result<i64, Failure> {
        let count = fs::read(self.0).map_err(|error| format!("{}: {error}", self.0.display()))?;
        let count = count.try_into().map_err(|_| format!("{} is no count", self.0.display()))?;
        Ok(i64::from_ne_bytes(count))
    }
}

/// What the check of these words finds when it runs with `--held FILE`, the file of its count.
pub(super) fn counted(words: &[&str]) -> Result<Vec<Finding>, Failure> {
    let executable = std::env::current_exe()?;
    let folder = executable.parent().ok_or("this executable has no folder")?.join("bench-drivers");
    let counter = preload::compile("count_held", &folder)??;
    let file = folder.join(format!("held.{}", std::process::id()));
    let output = Command::new(executable)
        .args(words)
        .arg("--held")
        .arg(&file)
        .env("LD_PRELOAD", counter)
        .env("RMQ_BENCH_HELD", &file)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    // There is none when the process could not count, and then that has failed too.
    let _ = fs::remove_file(&file);
    if !output.status.success() {
        return Err(format!("{}: {}", words.join(" "), output.status).into());
    }
    let lines = String::from_utf8(output.stdout)?;
    Ok(lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}
