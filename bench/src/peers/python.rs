//! The clients that come as wheels, in one virtual environment.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Launch;
use super::workshop::{Workshop, run, text};
use crate::Failure;

/// The environment with every package of `requirements.txt`.
#[derive(Debug)]
pub(super) struct Environment {
    shop: Workshop,
    folder: PathBuf,
}

impl Environment {
    pub(super) fn install(target: &Path) -> Result<Environment, Failure> {
        let shop = Workshop::open(target, "python")?;
        let folder = shop.output.join("environment");
        let environment = Environment { shop, folder };
        environment.shop.once(|| {
            run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment.folder))?;
            run(Command::new(environment.python())
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
                .arg(environment.shop.sources.join("requirements.txt")))
        })?;
        Ok(environment)
    }

    fn python(&self) -> PathBuf {
        self.folder.join("bin").join("python")
    }

    /// Name and version of one of its packages.
    pub(super) fn version(&self, package: &str) -> Result<String, Failure> {
        Ok(format!("{package} {}", self.shop.version("requirements.txt", &format!("{package}=="))?))
    }

    /// The folder of the package `rocketmq`, which has `librocketmq.so`. An error says why it cannot be imported.
    pub(super) fn rocketmq(&self) -> Result<PathBuf, Failure> {
        run(Command::new(self.python()).args(["-c", "import rocketmq.client"]))?;
        let found = Command::new(self.python())
            .args(["-c", "import rocketmq; print(*rocketmq.__path__)"])
            .output()?;
        Ok(PathBuf::from(String::from_utf8_lossy(&found.stdout).trim_end()))
    }
}

/// A driver in Python.
pub(super) fn prepare(target: &Path, package: &str, driver: &str) -> Result<Launch, Failure> {
    let environment = Environment::install(target)?;
    if package == "rocketmq" {
        environment.rocketmq()?;
    }
    Ok(Launch {
        executable: environment.python(),
        words: vec![text(&environment.shop.sources.join(driver))],
        environment: vec![
            ("HOME".to_owned(), environment.shop.home()?),
            ("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned()),
            // Words and clocks are those of our own drivers.
            ("PYTHONPATH".to_owned(), concat!(env!("CARGO_MANIFEST_DIR"), "/drivers/python").to_owned()),
        ],
        version: environment.version(package)?,
    })
}
