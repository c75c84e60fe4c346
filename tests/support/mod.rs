//! What the tests of the C library share: where it is, and running tools.

#![expect(clippy::disallowed_types, reason = "no test forks here")]
#![allow(clippy::unwrap_used, dead_code)]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

/// The folder of the package.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder that has `librmq.so` and `librmq.a`: `RMQ_LIB_DIR`, or where this test's own build has them. Cargo
/// does not build a C library for tests, so it is asked to.
pub(crate) fn lib_dir() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| {
        if let Some(dir) = env::var_os("RMQ_LIB_DIR") {
            return root().join(dir);
        }
        let test = env::current_exe().unwrap();
        let dir = test.ancestors().nth(2).unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.current_dir(root()).args(["build", "--quiet", "--package", "rmq", "--target-dir"]);
        build.arg(dir.parent().unwrap());
        if dir.ends_with("release") {
            build.arg("--release");
        }
        run(&mut build);
        dir.to_owned()
    })
}

/// An empty folder for what a test makes.
pub(crate) fn work_dir(test: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// A C or C++ compiler with the strictest warnings as errors.
pub(crate) fn compiler(language: &str) -> Command {
    let (variable, default) = if language == "c++" { ("CXX", "c++") } else { ("CC", "cc") };
    let mut compiler = Command::new(env::var_os(variable).unwrap_or_else(|| default.into()));
    compiler.args(["-Wall", "-Wextra", "-Wpedantic", "-Werror"]);
    compiler.arg("-I").arg(root().join("include"));
    compiler
}

/// Links against the shared library, and finds it there at run time.
pub(crate) fn link_shared(compiler: &mut Command) {
    compiler.arg("-L").arg(lib_dir()).arg("-lrmq").arg(format!("-Wl,-rpath,{}", lib_dir().display()));
}

/// Links against the static library and what Rust's standard library needs.
pub(crate) fn link_static(compiler: &mut Command) {
    compiler.arg(lib_dir().join("librmq.a")).args(["-lpthread", "-ldl", "-lm"]);
}

/// The files of a folder with this ending, sorted.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension() == Some(OsStr::new(ending))).collect();
    files.sort();
    files
}

/// Runs a command that must succeed and gives its standard output.
pub(crate) fn run(command: &mut Command) -> String {
    // Cargo has its own library folders there, which would come before the one a program was linked with.
    command.env_remove("LD_LIBRARY_PATH");
    let output = command.output().unwrap_or_else(|cause| panic!("{command:?}: {cause}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?} ended with {}\n{stdout}{stderr}", output.status);
    stdout
}

/// Runs a program that must succeed within a minute.
pub(crate) fn run_program(program: &Path, arguments: &[&str]) -> String {
    run(Command::new("timeout").args(["--signal=ABRT", "60"]).arg(program).args(arguments))
}
