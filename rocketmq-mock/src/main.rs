//! `rocketmq-mock`: a mock cluster as a process of its own.

use std::io::{self, Write};
use std::num::ParseIntError;
use std::process::ExitCode;
use std::thread;

use clap::builder::RangedU64ValueParser;
use clap::{CommandFactory, Parser};
use rocketmq_mock::{Keep, MockCluster, MockOptions, Profile};

/// Runs a RocketMQ name server and brokers in memory, on 127.0.0.1.
///
/// Prints one line per server, `name server HOST:PORT` first, then `NAME HOST:PORT` of each broker.
/// Runs until it is killed (SIGTERM or Ctrl-C).
#[derive(Parser)]
struct Words {
    /// Brokers, 1 to 100
    #[arg(long, value_name = "N", default_value = "1", value_parser = RangedU64ValueParser::<usize>::new().range(1..=100))]
    brokers: usize,
    /// Port of the name server (0: any free one)
    #[arg(long, value_name = "PORT", default_value_t)]
    name_server_port: u16,
    /// The server version to answer as, 5.5.0 or 4.9.7
    #[arg(long, value_name = "VERSION", default_value = "5.5.0", value_parser = profile)]
    profile: Profile,
    /// Messages kept per broker: all, none (for benchmarks) or how many
    #[arg(long, value_name = "WHAT", default_value = "all", value_parser = keep)]
    keep: Keep,
    /// Brokers do not create unknown topics
    #[arg(long)]
    no_auto_create: bool,
}

fn main() -> ExitCode {
    let words = match Words::try_parse() {
        Ok(words) => words,
        Err(error) if error.use_stderr() => {
            eprintln!("{error}\n{}", Words::command().render_help());
            return ExitCode::from(2);
        }
        Err(help) => help.exit(),
    };
    let options = MockOptions {
        brokers: words.brokers,
        name_server_port: words.name_server_port,
        profile: words.profile,
        keep: words.keep,
        auto_create: !words.no_auto_create,
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

fn profile(text: &str) -> Result<Profile, String> {
    match text {
        "5.5.0" => Ok(Profile::V5),
        "4.9.7" => Ok(Profile::V4_9),
        _ => Err("5.5.0 or 4.9.7".to_owned()),
    }
}

fn keep(text: &str) -> Result<Keep, ParseIntError> {
    match text {
        "all" => Ok(Keep::All),
        "none" => Ok(Keep::CountOnly),
        _ => text.parse().map(Keep::Last),
    }
}
