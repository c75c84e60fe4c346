//! What kind of cluster the null broker plays.

use super::template::Encoding;
use crate::arguments::positive;

/// Given on its command line.
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// 0 leaves the choice to the system.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) name_server_port: u16,
    /// Brokers on every topic's route, each with a port of its own.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = positive::<usize>)]
    pub(crate) brokers: usize,
    /// Queues of a topic on each broker.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = positive::<u32>)]
    pub(crate) queues: u32,
    /// The encoding of headers
    #[arg(long, value_enum, default_value_t)]
    pub(crate) answers: Encoding,
    /// Sends are taken in and never answered.
    #[arg(long)]
    pub(crate) hold: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { name_server_port: 0, brokers: 1, queues: 8, answers: Encoding::Json, hold: false }
    }
}

impl Options {
    /// The words with which another process gets the same options.
    pub(super) fn to_words(&self) -> Vec<String> {
        let answers = match self.answers {
            Encoding::Json => "json",
            Encoding::Binary => "binary",
        };
        let pairs = [
            ("--name-server-port", self.name_server_port.to_string()),
            ("--brokers", self.brokers.to_string()),
            ("--queues", self.queues.to_string()),
            ("--answers", answers.to_owned()),
        ];
        let hold = self.hold.then(|| "--hold".to_owned());
        pairs.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).chain(hold).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};

    use super::*;

    fn read(words: &[String]) -> Result<Options, clap::Error> {
        let command = Options::augment_args(clap::Command::new("x").no_binary_name(true));
        Options::from_arg_matches(&command.try_get_matches_from(words)?)
    }

    #[test]
    fn words_carry_all_options() {
        let unusual =
            Options { name_server_port: 9876, brokers: 3, queues: 5, answers: Encoding::Binary, hold: true };
        for options in [unusual, Options::default()] {
            assert_eq!(read(&options.to_words()).unwrap(), options);
        }
        assert_eq!(read(&[]).unwrap(), Options::default());
        assert!(read(&["--answers".to_owned(), "xml".to_owned()]).unwrap_err().to_string().contains("xml"));
    }
}
