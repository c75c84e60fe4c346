//! The jars of one version, and the small Java programs compiled against them.
//!
//! `target/rocketmq/<version>/lib` and `…/classes` are filled once; a marker beside each holds what it was made from, so
//! that a changed list or source is made again and anything half done is not believed. A file lock keeps test processes
//! that run at the same time apart.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::run;
use crate::{LaunchError, Version, work_dir};

const DEPENDENCY_PLUGIN: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1";
const PARTS: [&str; 3] = ["rocketmq-namesrv", "rocketmq-broker", "rocketmq-tools"];
const SOURCES: [(&str, &str); 5] = [
    ("Consumers.java", include_str!("../java/Consumers.java")),
    ("Guard.java", include_str!("../java/Guard.java")),
    ("MessageJson.java", include_str!("../java/MessageJson.java")),
    ("Reader.java", include_str!("../java/Reader.java")),
    ("Sender.java", include_str!("../java/Sender.java")),
];

/// Where the jars and classes of one version are.
#[derive(Debug, Clone)]
pub struct Artifacts {
    /// Folder with every jar of name server, broker and tools.
    pub lib: PathBuf,
    /// Folder with the compiled programs of `java/`.
    pub classes: PathBuf,
}

impl Artifacts {
    /// Class path for `java -cp`.
    #[must_use]
    pub fn class_path(&self) -> OsString {
        let mut path = self.classes.clone().into_os_string();
        path.push(":");
        path.push(self.lib.join("*"));
        path
    }
}

/// Makes the jars and classes of `version` available; at once when they are there already.
///
/// # Errors
/// Maven or the compiler is missing or fails; the folder below `target` cannot be written.
pub fn resolve(version: Version) -> Result<Artifacts, LaunchError> {
    let dir = work_dir().join(version.name());
    fs::create_dir_all(&dir).map_err(LaunchError::path("create", &dir))?;
    let lock_path = dir.join("lock");
    let lock = File::create(&lock_path).map_err(LaunchError::path("create", &lock_path))?;
    lock.lock().map_err(LaunchError::path("lock", &lock_path))?;

    let artifacts = Artifacts { lib: dir.join("lib"), classes: dir.join("classes") };
    let pom = pom(version);
    make_once(&artifacts.lib, &pom, || copy_jars(&dir, &pom, &artifacts.lib))?;
    let sources: String = SOURCES.iter().map(|(_, text)| *text).collect();
    make_once(&artifacts.classes, &format!("{pom}{sources}"), || compile(&dir, &artifacts))?;
    Ok(artifacts)
}

/// Runs `make` on an empty `folder` unless the marker beside it says that it was made from `from`.
fn make_once(
    folder: &Path,
    from: &str,
    make: impl FnOnce() -> Result<(), LaunchError>,
) -> Result<(), LaunchError> {
    let marker = folder.with_extension("complete");
    if fs::read_to_string(&marker).is_ok_and(|text| text == from) && folder.is_dir() {
        return Ok(());
    }
    for old in [&marker, folder] {
        remove(old)?;
    }
    fs::create_dir_all(folder).map_err(LaunchError::path("create", folder))?;
    make()?;
    fs::write(&marker, from).map_err(LaunchError::path("write", &marker))
}

fn remove(path: &Path) -> Result<(), LaunchError> {
    let result = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match result {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(LaunchError::path("remove", path)(e)),
        _ => Ok(()),
    }
}

fn pom(version: Version) -> String {
    let dependencies: String = PARTS
        .iter()
        .map(|part| {
            format!(
                "<dependency><groupId>org.apache.rocketmq</groupId><artifactId>{part}</artifactId>\
                 <version>{version}</version></dependency>"
            )
        })
        .collect();
    format!(
        "<project><modelVersion>4.0.0</modelVersion><groupId>librmq</groupId><artifactId>jars</artifactId>\
         <version>1</version><packaging>pom</packaging><dependencies>{dependencies}</dependencies></project>\n"
    )
}

fn copy_jars(dir: &Path, pom: &str, lib: &Path) -> Result<(), LaunchError> {
    let pom_file = dir.join("pom.xml");
    fs::write(&pom_file, pom).map_err(LaunchError::path("write", &pom_file))?;
    let mut maven = Command::new("mvn");
    maven.args(["--batch-mode", "--quiet", "--file"]).arg(&pom_file);
    maven.arg(format!("{DEPENDENCY_PLUGIN}:copy-dependencies"));
    let mut output = OsString::from("-DoutputDirectory=");
    output.push(lib);
    run(maven.arg(output), "maven", "resolving the RocketMQ jars with Maven").map(drop)
}

fn compile(dir: &Path, artifacts: &Artifacts) -> Result<(), LaunchError> {
    let sources = dir.join("sources");
    fs::create_dir_all(&sources).map_err(LaunchError::path("create", &sources))?;
    let mut javac = Command::new("javac");
    javac.arg("-nowarn").arg("-d").arg(&artifacts.classes).arg("-cp").arg(artifacts.class_path());
    for (name, text) in SOURCES {
        let file = sources.join(name);
        fs::write(&file, text).map_err(LaunchError::path("write", &file))?;
        javac.arg(file);
    }
    run(&mut javac, "default-jdk-headless", "compiling the Java helpers").map(drop)
}
