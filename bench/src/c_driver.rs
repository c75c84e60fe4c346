//! The driver in C, compiled as a user would.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

/// What it is made of, and where it goes.
pub(crate) struct Parts<'a> {
    /// Folder of its `.c` files.
    pub(crate) sources: &'a Path,
    /// Holds `rmq.h`.
    pub(crate) include: &'a Path,
    /// Holds `librmq.so`.
    pub(crate) library: &'a Path,
    pub(crate) output: &'a Path,
}

/// The program; `Ok(Err(reason))` when the library has not been built.
pub(crate) fn compile(parts: &Parts<'_>) -> Result<Result<PathBuf, String>, Failure> {
    for needed in [parts.include.join("rmq.h"), parts.library.join("librmq.so")] {
        if !needed.exists() {
            return Ok(Err(format!("{} is not there", needed.display())));
        }
    }
    fs::create_dir_all(parts.output)?;
    link_soname(parts)?;
    let program = parts.output.join("c");
    let status = Command::new("cc")
        .args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-I"])
        .arg(parts.include)
        .args(sources(parts.sources)?)
        .arg("-o")
        .arg(&program)
        .arg("-L")
        .arg(parts.library)
        // As RPATH, which comes before LD_LIBRARY_PATH: cargo sets that to the library of this tree, also for the driver of
        // another revision.
        .arg(format!("-Wl,--disable-new-dtags,-rpath,{}", parts.output.display()))
        .args(["-lrmq", "-lpthread"])
        .status()
        .map_err(|error| format!("cc: {error}"))?;
    if status.success() { Ok(Ok(program)) } else { Err(format!("cc: {status}").into()) }
}

fn sources(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        files.push(entry?.path());
    }
    files.retain(|file| file.extension() == Some(OsStr::new("c")));
    files.sort();
    Ok(files)
}

/// Programs ask for the library by its soname, which an installation provides and a build folder does not.
fn link_soname(parts: &Parts<'_>) -> Result<(), Failure> {
    let soname = parts.output.join(concat!("librmq.so.", env!("CARGO_PKG_VERSION_MAJOR")));
    match fs::remove_file(&soname) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let library = fs::canonicalize(parts.library.join("librmq.so"))?;
    Ok(std::os::unix::fs::symlink(library, soname)?)
}
