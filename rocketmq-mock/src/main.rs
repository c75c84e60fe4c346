//! `rocketmq-mock`: a mock cluster as a process of its own.

use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;

use rocketmq_mock::{Keep, MockCluster, MockOptions, Profile};

const USAGE: &str = "\
usage: rocketmq-mock [--brokers N] [--name-server-port PORT] [--profile 5.5.0|4.9.7]
                     [--keep all|none|COUNT] [--no-auto-create]

Runs a RocketMQ name server and N brokers (1 to 100, default 1) in memory, on 127.0.0.1.
Prints one line per server, `name server HOST:PORT` first, then `NAME HOST:PORT` of each broker.
Runs until it is killed (SIGTERM or Ctrl-C).

  --name-server-port PORT  port of the name server (default: any free one)
  --profile VERSION        the server version to answer as (default 5.5.0)
  --keep WHAT              messages kept per broker (default all; `none` for benchmarks)
  --no-auto-create         brokers do not create unknown topics
  --help                   this text
";

fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprint!("rocketmq-mock: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(options) {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("rocketmq-mock: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: MockOptions) -> io::Result<std::convert::Infallible> {
    let cluster = MockCluster::start(options)?;
    announce(&cluster)?;
    loop {
        thread::park();
    }
}

fn announce(cluster: &MockCluster) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let mut tell = |name: &str, address: &str| {
        writeln!(out, "{name} {address}")?;
        out.flush()
    };
    tell("name server", &cluster.name_server())?;
    for name in cluster.broker_names() {
        tell(&name, &cluster.broker_address(&name).unwrap_or_default())?;
    }
    Ok(())
}

/// The options asked for; `None` if only the usage text is wanted.
fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<MockOptions>, String> {
    let mut options = MockOptions::default();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--brokers" => {
                options.brokers = number(&argument, &value()?)?;
                if !(1..=100).contains(&options.brokers) {
                    return Err(format!("--brokers is 1 to 100, not {}", options.brokers));
                }
            }
            "--name-server-port" => options.name_server_port = number(&argument, &value()?)?,
            "--profile" => options.profile = profile(&value()?)?,
            "--keep" => options.keep = keep(&value()?)?,
            "--no-auto-create" => options.auto_create = false,
            "--help" | "-h" => return Ok(None),
            _ => return Err(format!("unknown argument {argument:?}")),
        }
    }
    Ok(Some(options))
}

fn number<N: std::str::FromStr>(argument: &str, text: &str) -> Result<N, String>
where
    N::Err: std::fmt::Display,
{
    text.parse().map_err(|error| format!("{argument} {text:?}: {error}"))
}

fn profile(text: &str) -> Result<Profile, String> {
    match text {
        "5.5.0" => Ok(Profile::V5),
        "4.9.7" => Ok(Profile::V4_9),
        _ => Err(format!("--profile is 5.5.0 or 4.9.7, not {text:?}")),
    }
}

fn keep(text: &str) -> Result<Keep, String> {
    match text {
        "all" => Ok(Keep::All),
        "none" => Ok(Keep::CountOnly),
        _ => Ok(Keep::Last(number("--keep", text)?)),
    }
}
