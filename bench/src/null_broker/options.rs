//! What kind of cluster the null broker plays.

use super::template::Encoding;
use crate::Failure;
use crate::arguments::Arguments;

/// Given on its command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// 0 leaves the choice to the system.
    pub(crate) name_server_port: u16,
    /// Brokers on every topic's route, each with a port of its own.
    pub(crate) brokers: usize,
    /// Queues of a topic on each broker.
    pub(crate) queues: u32,
    pub(crate) answers: Encoding,
    /// Sends are taken in and never answered.
    pub(crate) hold: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { name_server_port: 0, brokers: 1, queues: 8, answers: Encoding::Json, hold: false }
    }
}

impl Options {
    pub(crate) fn from_arguments(arguments: &mut Arguments) -> Result<Options, Failure> {
        let usual = Options::default();
        Ok(Options {
            name_server_port: arguments.number("name-server-port")?.unwrap_or(usual.name_server_port),
            brokers: arguments.number("brokers")?.unwrap_or(usual.brokers).max(1),
            queues: arguments.number("queues")?.unwrap_or(usual.queues).max(1),
            answers: match arguments.text("answers").as_deref() {
                None | Some("json") => Encoding::Json,
                Some("binary") => Encoding::Binary,
                Some(other) => return Err(format!("--answers {other:?}: json or binary").into()),
            },
            hold: arguments.flag("hold"),
        })
    }

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
    use super::*;

    fn read(words: &[String]) -> Result<Options, Failure> {
        let mut arguments = Arguments::parse(words.iter().cloned())?;
        let options = Options::from_arguments(&mut arguments)?;
        arguments.end()?;
        Ok(options)
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
