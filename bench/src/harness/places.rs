//! Our drivers in other languages: where their library is, and how they are built.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::driver::Driver;
use super::program::Home;
use crate::Failure;
use crate::arguments::Arguments;

/// Parts of the C driver.
const C_SOURCES: [&str; 7] =
    ["main.c", "driver.c", "outcome.c", "blocking.c", "async.c", "oneway.c", "batch.c"];

/// Folders and interpreters that the drivers need.
#[derive(Debug)]
pub(super) struct Places {
    /// Holds `librmq.so`.
    library: PathBuf,
    /// Holds `rmq.h`.
    include: PathBuf,
    /// A Python that can import `rmq`.
    python: PathBuf,
    /// Sources of the drivers.
    drivers: PathBuf,
    /// Where peers are installed.
    target: PathBuf,
    /// Where built drivers go.
    output: PathBuf,
}

impl Places {
    /// Say where things are on one machine.
    pub(super) const OPTIONS: [&str; 3] = ["library", "include", "python"];

    /// Without options: the library beside this executable, the header in the source tree, the Python of the tests
    /// if they have made it.
    pub(super) fn from_arguments(arguments: &mut Arguments) -> Result<Places, Failure> {
        let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
        let target = bench.join("../target");
        let executable = std::env::current_exe()?;
        let built = executable.parent().ok_or("this executable has no folder")?;
        let of_tests = target.join("python/bin/python");
        let mut place = |name: &str, default: PathBuf| arguments.text(name).map_or(default, PathBuf::from);
        Ok(Places {
            library: place("library", built.to_owned()),
            include: place("include", bench.join("../include")),
            python: place("python", if of_tests.exists() { of_tests } else { PathBuf::from("python3") }),
            drivers: bench.join("drivers"),
            target,
            output: built.join("bench-drivers"),
        })
    }

    /// Builds what has to be built; the reason when the driver cannot run here.
    pub(super) fn home(&self, driver: Driver) -> Result<Result<Home, String>, Failure> {
        let python = |file: &str| {
            let source = self.drivers.join("python").join(file);
            let words = vec![source.to_string_lossy().into_owned()];
            self.python_has_rmq().map(|()| Home::new(self.python.clone(), words))
        };
        Ok(match driver {
            Driver::Raw | Driver::Rust => Ok(Home::new(std::env::current_exe()?, Vec::new())),
            Driver::C => self.c_driver()?.map(|executable| Home::new(executable, Vec::new())),
            Driver::Python => python("blocking.py"),
            Driver::Asyncio => python("aio.py"),
            Driver::Peer(peer) => {
                peer.prepare(&self.target).map_err(|failure| failure.to_string()).map(|launch| Home {
                    executable: launch.executable,
                    words: launch.words,
                    environment: launch.environment,
                    version: Some(launch.version),
                })
            }
        })
    }

    /// Compiles `drivers/c` as a user would; `Ok(Err(reason))` when the library has not been built.
    fn c_driver(&self) -> Result<Result<PathBuf, String>, Failure> {
        for needed in [self.include.join("rmq.h"), self.library.join("librmq.so")] {
            if !needed.exists() {
                return Ok(Err(format!("{} is not there", needed.display())));
            }
        }
        std::fs::create_dir_all(&self.output)?;
        self.link_soname()?;
        let program = self.output.join("c");
        let status = Command::new("cc")
            .args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-I"])
            .arg(&self.include)
            .args(C_SOURCES.map(|name| self.drivers.join("c").join(name)))
            .arg("-o")
            .arg(&program)
            .arg("-L")
            .arg(&self.library)
            .arg(format!("-Wl,-rpath,{}", self.output.display()))
            .args(["-lrmq", "-lpthread"])
            .status()
            .map_err(|error| format!("cc: {error}"))?;
        if status.success() { Ok(Ok(program)) } else { Err(format!("cc: {status}").into()) }
    }

    /// Compiles what counts allocations; the reason when there can be none here.
    pub(super) fn allocation_counter(&self) -> Result<Result<PathBuf, String>, Failure> {
        std::fs::create_dir_all(&self.output)?;
        let object = self.output.join("count_allocations.so");
        let output = Command::new("cc")
            .args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC"])
            .arg(self.drivers.join("count_allocations.c"))
            .arg("-o")
            .arg(&object)
            .output()
            .map_err(|error| format!("cc: {error}"))?;
        if output.status.success() {
            return Ok(Ok(object));
        }
        Ok(Err(String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or("cc failed").to_owned()))
    }

    /// Programs ask for the library by its soname, which an installation provides and a build folder does not.
    fn link_soname(&self) -> Result<(), Failure> {
        let soname = self.output.join(concat!("librmq.so.", env!("CARGO_PKG_VERSION_MAJOR")));
        match std::fs::remove_file(&soname) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let library = std::fs::canonicalize(self.library.join("librmq.so"))?;
        Ok(std::os::unix::fs::symlink(library, soname)?)
    }

    /// Whether the interpreter has our package; `Err` says why not.
    fn python_has_rmq(&self) -> Result<(), String> {
        let output = Command::new(&self.python)
            .args(["-c", "import rmq"])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("{}: {error}", self.python.display()))?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let last = text.trim_end().lines().last().unwrap_or("no reason given");
        Err(format!("{}: {last}", self.python.display()))
    }
}
