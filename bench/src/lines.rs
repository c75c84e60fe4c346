//! JSON lines in the folder of results.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::results::Session;
use crate::{Failure, report};

/// Writes a new file, named by what was measured and the time: first what holds for all of it, then a line for each.
pub(crate) fn write<T: Serialize>(name: &str, session: &Session, lines: &[T]) -> Result<PathBuf, Failure> {
    let folder = report::folder();
    std::fs::create_dir_all(&folder)?;
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let path = folder.join(format!("{name}-{seconds}.jsonl"));
    let mut out = BufWriter::new(File::create(&path)?);
    serde_json::to_writer(&mut out, session)?;
    writeln!(out)?;
    for line in lines {
        serde_json::to_writer(&mut out, line)?;
        writeln!(out)?;
    }
    out.flush()?;
    Ok(path)
}
