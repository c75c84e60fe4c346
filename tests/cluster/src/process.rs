//! Child processes: commands that run to their end, and servers that end with us.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use crate::LaunchError;
use crate::artifacts::Artifacts;

const TAIL_BYTES: usize = 4_000;
const POLL: Duration = Duration::from_millis(25);

/// Runs a command to its end and returns its output; anything but success is an error with the end of that output.
///
/// # Errors
/// The program is missing (the error names the Debian `package`) or ends with a failure.
pub fn run(command: &mut Command, package: &'static str, what: &str) -> Result<Output, LaunchError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|source| LaunchError::Tool {
        program,
        package,
        source,
    })?;
    if output.status.success() {
        return Ok(output);
    }
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Err(LaunchError::Failed { what: what.to_owned(), status: output.status, tail: tail(&text) })
}

/// Asks `probe` again and again until it gives a value; its last error text goes into the error.
///
/// # Errors
/// The probe's own; no value within the limit.
pub fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut probe: impl FnMut() -> Result<Result<T, String>, LaunchError>,
) -> Result<T, LaunchError> {
    let start = Instant::now();
    loop {
        match probe()? {
            Ok(value) => return Ok(value),
            Err(tail) if start.elapsed() >= limit => {
                return Err(LaunchError::NotReady { what: what.to_owned(), waited: start.elapsed(), tail });
            }
            Err(_) => std::thread::sleep(POLL),
        }
    }
}

/// A server in a Java process of its own. Dropping it kills the process and waits for its end; if our process dies
/// instead, `Guard` sees its standard input end and halts.
#[derive(Debug)]
pub struct JavaServer {
    name: String,
    child: Child,
    output: PathBuf,
}

impl JavaServer {
    /// Starts `main_class` with `-c config`, its home and its output in the folder of `config`.
    ///
    /// # Errors
    /// Java is missing, or the folder cannot be written.
    pub fn start(
        name: &str,
        artifacts: &Artifacts,
        jvm_options: &[&str],
        main_class: &str,
        config: &Path,
    ) -> Result<JavaServer, LaunchError> {
        let home = config.parent().unwrap_or(Path::new("."));
        let output = home.join("output.log");
        let log = File::create(&output).map_err(LaunchError::path("create", &output))?;
        let errors = log.try_clone().map_err(LaunchError::path("share", &output))?;
        let mut command = java(artifacts, home);
        command.args(jvm_options).arg("Guard").arg(main_class).arg("-c").arg(config);
        command.stdin(Stdio::piped()).stdout(log).stderr(errors);
        let child = command.spawn().map_err(no_java)?;
        Ok(JavaServer { name: name.to_owned(), child, output })
    }

    /// Process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The end of what it printed.
    #[must_use]
    pub fn output_tail(&self) -> String {
        let text = fs::read(&self.output)
            .map_or_else(|e| e.to_string(), |b| String::from_utf8_lossy(&b).into_owned());
        format!("--- output of {}:\n{}", self.name, tail(&text))
    }

    /// An error if the process has ended.
    ///
    /// # Errors
    /// It has: with its exit status and the end of its output.
    pub fn check_running(&mut self) -> Result<(), LaunchError> {
        let ended = self.child.try_wait().map_err(LaunchError::io(format!("waiting for {}", self.name)))?;
        ended.map_or(Ok(()), |status| Err(self.ended(status)))
    }

    fn ended(&self, status: ExitStatus) -> LaunchError {
        LaunchError::Failed { what: format!("the {}", self.name), status, tail: self.output_tail() }
    }
}

impl Drop for JavaServer {
    fn drop(&mut self) {
        // Both fail only when the process has ended and been waited for already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A `java` command with the version's class path, the flags JDK 17 needs, and `home` for every file it writes.
pub(crate) fn java(artifacts: &Artifacts, home: &Path) -> Command {
    let mut command = Command::new("java");
    command.args([
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "--add-opens=java.base/java.nio=ALL-UNNAMED",
        "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
        "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
    ]);
    command.arg(property("user.home", home));
    command.arg(property("rmq.logback.configurationFile", &home.join("conf/logback.xml")));
    command.arg("-cp").arg(artifacts.class_path());
    command.env("ROCKETMQ_HOME", home).env_remove("JAVA_TOOL_OPTIONS").env_remove("NAMESRV_ADDR");
    command
}

pub(crate) fn no_java(source: std::io::Error) -> LaunchError {
    LaunchError::Tool { program: "java".to_owned(), package: "default-jdk-headless", source }
}

/// Writes the logging configurations that each version looks for below its home: errors only, no log files.
pub(crate) fn write_quiet_logging(home: &Path) -> Result<(), LaunchError> {
    let conf = home.join("conf");
    fs::create_dir_all(&conf).map_err(LaunchError::path("create", &conf))?;
    for name in ["logback.xml", "logback_namesrv.xml", "logback_broker.xml", "logback_tools.xml"] {
        let file = conf.join(name);
        fs::write(&file, "<configuration><root level=\"ERROR\"/></configuration>\n")
            .map_err(LaunchError::path("write", &file))?;
    }
    Ok(())
}

fn property(name: &str, value: &Path) -> std::ffi::OsString {
    let mut argument = std::ffi::OsString::from(format!("-D{name}="));
    argument.push::<&OsStr>(value.as_os_str());
    argument
}

pub(crate) fn tail(text: &str) -> String {
    let mut start = text.len().saturating_sub(TAIL_BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text[start..].to_owned()
}
