//! Apache's Java client, with Maven and the JDK.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::Launch;
use super::workshop::{Workshop, run, text};
use crate::Failure;

const COPY_JARS: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";

/// A young generation that is collected rarely, and direct memory that Netty may reach without detours.
const JVM: [&str; 5] = [
    "-Xms1g",
    "-Xmn600m",
    "-Xmx4g",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "-Dio.netty.tryReflectionSetAccessible=true",
];

pub(super) fn prepare(target: &Path) -> Result<Launch, Failure> {
    let shop = Workshop::open(target, "java")?;
    let (jars, classes) = (shop.output.join("lib"), shop.output.join("classes"));
    let every_jar = text(&jars.join("*"));
    shop.once(|| {
        // Jars of another version would stay on the class path.
        if jars.exists() {
            fs::remove_dir_all(&jars)?;
        }
        run(Command::new("mvn")
            .args(["--batch-mode", "--quiet", "--file"])
            .arg(shop.sources.join("pom.xml"))
            .arg(COPY_JARS)
            .arg(format!("-DoutputDirectory={}", jars.display())))?;
        let mut javac = Command::new("javac");
        javac.arg("-d").arg(&classes).args(["-cp", &every_jar]);
        for source in ["Peer.java", "Section.java", "Work.java"] {
            javac.arg(shop.sources.join(source));
        }
        run(&mut javac)
    })?;
    let mut words: Vec<String> = JVM.iter().map(|&word| word.to_owned()).collect();
    words.push(format!("-Duser.home={}", shop.home()?));
    words.extend(["-cp".to_owned(), format!("{}:{every_jar}", classes.display()), "Peer".to_owned()]);
    let version = shop.version("pom.xml", "<artifactId>rocketmq-client</artifactId>\n      <version>")?;
    Ok(Launch {
        executable: "java".into(),
        words,
        environment: Vec::new(),
        version: format!("rocketmq-client {version}"),
    })
}
