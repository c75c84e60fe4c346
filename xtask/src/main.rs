//! The project's own commands: `cargo xtask demo | test | header | bench`.

mod bench;
mod command;
mod demo;
mod header;
mod python;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use workspace::Workspace;

/// Why a command ended early, in words for the person at the terminal.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The project's own commands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true, flatten_help = true)]
enum Words {
    /// Sends from C and from Python: to a mock cluster, to a cluster of yours, or to an Apache one started for it
    Demo(demo::Wanted),
    /// Runs every test there is, or some parts
    Test(test::Wanted),
    /// Writes the C headers, the printed pages of docs/ and the stub of the Python package from the sources
    #[command(visible_alias = "docs")]
    Header,
    /// Runs the benchmark; its own options follow (try --help)
    #[command(disable_help_flag = true)]
    Bench {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

fn main() -> ExitCode {
    let words = match Words::try_parse() {
        Ok(words) => words,
        Err(error) if error.use_stderr() => {
            eprintln!("{error}\n{}", Words::command().render_help());
            return ExitCode::FAILURE;
        }
        Err(help) => help.exit(),
    };
    run(words).unwrap_or_else(|failure| {
        eprintln!("cargo xtask: {failure}");
        ExitCode::FAILURE
    })
}

fn run(words: Words) -> Result<ExitCode, Failure> {
    let workspace = Workspace::find()?;
    match words {
        Words::Demo(wanted) => demo::run(&workspace, &wanted),
        Words::Test(wanted) => test::run(&workspace, &wanted),
        Words::Header => header::run(&workspace),
        Words::Bench { words } => bench::run(&workspace, &words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let words = ["xtask"].into_iter().chain(text.split_whitespace());
        Words::try_parse_from(words).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_does_not_fit_is_refused_and_named() {
        Words::command().debug_assert();
        for (text, named) in [
            ("demo --count", "--count <COUNT>"),
            ("demo --count many", "many"),
            ("demo --count 0", "0 is not in"),
            ("demo --count 1 --count 2", "--count <COUNT>"),
            ("demo --cuont 1", "--cuont"),
            ("demo --real 3.2.6", "5.3.3"),
            ("demo --real --name-server a:1", "--name-server"),
            ("test --under-load 1", "'1'"),
            ("test --only rust,ruby", "'ruby'"),
            ("test --only ruby", "cluster"),
            ("tset", "tset"),
        ] {
            assert!(refused(text).contains(named), "{text}: {}", refused(text));
        }
        assert_eq!(refused("demo --real --count 5"), "");
    }
}
