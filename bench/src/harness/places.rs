//! Our drivers in other languages: where their library is, and how they are built.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::driver::Driver;
use super::program::Home;
use crate::{Failure, c_driver, preload};

/// Say where things are on one machine.
pub(super) const OPTIONS: [&str; 3] = ["--library", "--include", "--python"];

/// Where they are, if it is said.
#[derive(clap::Args)]
pub(super) struct GivenPlaces {
    /// Where librmq.so is
    #[arg(long, value_name = "DIR")]
    library: Option<PathBuf>,
    /// Where rmq.h is
    #[arg(long, value_name = "DIR")]
    include: Option<PathBuf>,
    /// A Python that can import rmq
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
}

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
    /// Without options: the library beside this executable, the header in the source tree, the Python of the tests
    /// if they have made it.
    pub(super) fn new(given: GivenPlaces) -> Result<Places, Failure> {
        let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
        let target = bench.join("../target");
        let executable = std::env::current_exe()?;
        let built = executable.parent().ok_or("this executable has no folder")?;
        let of_tests = target.join("python/bin/python");
        Ok(Places {
            library: given.library.unwrap_or_else(|| built.to_owned()),
            include: given.include.unwrap_or_else(|| bench.join("../include")),
            python: given
                .python
                .unwrap_or_else(|| if of_tests.exists() { of_tests } else { PathBuf::from("python3") }),
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

    fn c_driver(&self) -> Result<Result<PathBuf, String>, Failure> {
        c_driver::compile(&c_driver::Parts {
            sources: &self.drivers.join("c"),
            include: &self.include,
            library: &self.library,
            output: &self.output,
        })
    }

    /// A file among what is built for the drivers.
    pub(super) fn built(&self, name: &str) -> PathBuf {
        self.output.join(name)
    }

    /// Compiles what counts allocations; the reason when there can be none here.
    pub(super) fn allocation_counter(&self) -> Result<Result<PathBuf, String>, Failure> {
        preload::compile("count_allocations", &self.output)
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
