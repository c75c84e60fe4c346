//! Builds and runs the test programs of `programs/` as a user would: `cc` against the header and the shared library,
//! Python with the wheel installed.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::run;
use crate::{LaunchError, work_dir};

/// Far above what a program needs; one that hangs is killed and fails its test.
const LIMIT_SECONDS: &str = "120";

/// A program that can be run with arguments.
#[derive(Debug, Clone)]
pub struct Program {
    command: PathBuf,
    first_argument: Option<PathBuf>,
}

impl Program {
    /// Compiles `programs/<name>.c` against `RMQ_INCLUDE_DIR` and `RMQ_LIB_DIR`, warnings being errors.
    ///
    /// # Errors
    /// A variable is not set; there is no compiler, or it finds fault.
    pub fn c(name: &str) -> Result<Program, LaunchError> {
        let include = variable("RMQ_INCLUDE_DIR", "the folder of rmq.h")?;
        let library = variable("RMQ_LIB_DIR", "the folder of librmq.so")?;
        let out = work_dir().join("programs");
        fs::create_dir_all(&out).map_err(LaunchError::path("create", &out))?;
        let binary = out.join(name);
        let mut run_path = std::ffi::OsString::from("-Wl,-rpath,");
        run_path.push(&library);
        let mut compiler = Command::new("cc");
        compiler.args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1", "-I"]).arg(include);
        compiler.arg(source(&format!("{name}.c"))).arg("-o").arg(&binary);
        compiler.arg("-L").arg(&library).arg("-lrmq").arg(run_path);
        run(&mut compiler, "gcc", &format!("compiling {name}.c"))?;
        Ok(Program { command: binary, first_argument: None })
    }

    /// `programs/<name>.py` under the interpreter `RMQ_PYTHON`.
    ///
    /// # Errors
    /// The variable is not set.
    pub fn python(name: &str) -> Result<Program, LaunchError> {
        let command = variable("RMQ_PYTHON", "a Python interpreter that can import `rmq`")?;
        Ok(Program { command, first_argument: Some(source(&format!("{name}.py"))) })
    }

    /// Runs it to its end and returns what it printed on standard output.
    ///
    /// # Errors
    /// It cannot be started, ends with a failure or not within two minutes: the error holds the end of its output.
    pub fn run(&self, arguments: &[&str]) -> Result<String, LaunchError> {
        let mut command = Command::new("timeout");
        command.args(["--signal=KILL", LIMIT_SECONDS]).arg(&self.command);
        command.args(&self.first_argument).args(arguments);
        let name = self.first_argument.as_deref().unwrap_or(&self.command);
        let what = format!("{} {}", name.display(), arguments.join(" "));
        let output = run(&mut command, "coreutils", &what)?;
        String::from_utf8(output.stdout).map_err(LaunchError::wire(&what))
    }
}

fn variable(name: &'static str, meaning: &'static str) -> Result<PathBuf, LaunchError> {
    env::var_os(name).map(PathBuf::from).ok_or(LaunchError::Environment { name, meaning })
}

fn source(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("programs").join(file)
}
