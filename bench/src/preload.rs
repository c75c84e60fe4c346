//! Small libraries in C that are loaded before a program and count what it asks of malloc.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

/// Compiles the library of this name among the drivers into the folder; the reason when there can be none here.
pub(crate) fn compile(name: &str, folder: &Path) -> Result<Result<PathBuf, String>, Failure> {
    std::fs::create_dir_all(folder)?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers").join(name).with_extension("c");
    let object = folder.join(name).with_extension("so");
    // Another process may have it loaded, or make it just now: it is replaced as a whole.
    let made = folder.join(format!("{name}.{}.so", std::process::id()));
    let output = Command::new("cc")
        .args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC"])
        .arg(source)
        .arg("-o")
        .arg(&made)
        .output()
        .map_err(|error| format!("cc: {error}"))?;
    if output.status.success() {
        std::fs::rename(&made, &object)?;
        return Ok(Ok(object));
    }
    Ok(Err(String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or("cc failed").to_owned()))
}
