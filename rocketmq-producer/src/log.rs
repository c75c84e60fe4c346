//! Log lines: to a caller's sink, or warnings to the standard error stream.
//!
//! A line has a level, a target and a text. The text is made only where somebody wants it, and is one line of bounded length
//! whatever a peer put into it. The sink is the program's code, called from any thread: it may panic, and then that line is
//! lost and nothing else. Without a sink ten warnings in ten seconds reach the standard error stream, and the next line tells
//! how many did not.

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, ErrorCode};
use crate::sys::Moment;
use crate::text;

/// How much is logged. Numbers are part of the ABI and never change.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// Nothing at all.
    Off = 0,
    /// Something failed that a program's owner must know of.
    Error = 1,
    /// Something failed and will be tried again, or works worse than it should.
    Warn = 2,
    /// Connections, routes and producers that come and go.
    Info = 3,
    /// What is needed to follow one message.
    Debug = 4,
}

impl LogLevel {
    /// Every level, in the order of its number.
    pub const ALL: &'static [LogLevel] = &[Self::Off, Self::Error, Self::Warn, Self::Info, Self::Debug];

    /// The word the key `log.level` takes, for example `warn`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for LogLevel {
    type Err = Error;

    /// The level of this word, in any case; `INVALID_VALUE` for another word.
    fn from_str(word: &str) -> Result<Self, Error> {
        let level = Self::ALL.iter().find(|level| level.name().eq_ignore_ascii_case(word));
        level.copied().ok_or_else(|| Error::new(ErrorCode::InvalidValue, format!("no log level {word:?}")))
    }
}

/// The part of the library that a line comes from. Programs filter by its name: a name stays when the code below it
/// moves, and `rmq_log_fn` and the manual tell them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogTarget {
    /// Name-server look-up, registration and heartbeat.
    Client,
    /// Code of the program that panicked.
    Hooks,
    /// The messages themselves.
    Producer,
    /// Connections, and what came over them.
    Remoting,
    /// Routes of topics.
    Routing,
}

impl LogTarget {
    const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Hooks => "hooks",
            Self::Producer => "producer",
            Self::Remoting => "remoting",
            Self::Routing => "routing",
        }
    }
}

/// Takes the log lines of producers.
///
/// Called from any thread, the I/O thread included, and from several at once: be quick, do not block, and do
/// not call a producer. A sink that panics loses that line and nothing else. Lines hold no message bodies and
/// no secrets.
pub trait LogSink: Send + Sync {
    /// One line: its level (never [`LogLevel::Off`]), the part of the library it comes from (`client`, `hooks`,
    /// `producer`, `remoting` or `routing`), and its text without a line end.
    fn log(&self, level: LogLevel, target: &str, text: &str);
}

/// The way to the sink; cheap to clone. Texts are made only if somebody wants them.
#[derive(Clone)]
pub(crate) struct Log {
    level: LogLevel,
    sink: Option<Arc<dyn LogSink>>,
}

impl Log {
    /// Without a sink, warnings and errors go to the standard error stream, a few at a time.
    pub(crate) fn new(level: LogLevel, sink: Option<Arc<dyn LogSink>>) -> Self {
        let level = if sink.is_some() { level } else { level.min(LogLevel::Warn) };
        Self { level, sink }
    }

    pub(crate) fn error(&self, target: LogTarget, text: impl FnOnce() -> String) {
        self.log(LogLevel::Error, target, text);
    }

    pub(crate) fn warn(&self, target: LogTarget, text: impl FnOnce() -> String) {
        self.log(LogLevel::Warn, target, text);
    }

    pub(crate) fn info(&self, target: LogTarget, text: impl FnOnce() -> String) {
        self.log(LogLevel::Info, target, text);
    }

    pub(crate) fn debug(&self, target: LogTarget, text: impl FnOnce() -> String) {
        self.log(LogLevel::Debug, target, text);
    }

    fn log(&self, level: LogLevel, target: LogTarget, text: impl FnOnce() -> String) {
        if level > self.level {
            return;
        }
        let target = target.name();
        let text = || text::into_shown(text(), text::LINE);
        let Some(sink) = &self.sink else {
            return to_standard_error(level, target, text);
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| sink.log(level, target, &text())));
        if let Err(payload) = outcome {
            // Its destructor is the caller's code as well, and may panic again.
            std::mem::forget(payload);
        }
    }
}

fn to_standard_error(level: LogLevel, target: &str, text: impl FnOnce() -> String) {
    static LIMIT: LineLimit = LineLimit::new();

    let Some(left_out) = LIMIT.admit(Moment::now().nanos() / 1_000_000) else {
        return;
    };
    let mut lines = String::new();
    if left_out > 0 {
        lines = format!("rmq warn log: {left_out} lines were left out\n");
    }
    lines.push_str(&format!("rmq {level} {target}: {}\n", text()));
    // Not through std's handle: its lock may be held for ever in a forked child.
    if let Ok(descriptor) = std::io::stderr().as_fd().try_clone_to_owned() {
        // There is nobody left to tell that the last resort failed.
        let _ = File::from(descriptor).write_all(lines.as_bytes());
    }
}

/// At most [`LineLimit::LINES`] in [`LineLimit::WINDOW_MS`], without a lock: a window begins with the first line
/// after the end of the last one.
struct LineLimit(AtomicU64);

impl LineLimit {
    const LINES: u64 = 10;
    const WINDOW_MS: u64 = 10_000;
    /// The state is the start of the window in ms, and below it the count of lines that came in it.
    const COUNT_BITS: u32 = 24;
    const COUNT_MAX: u64 = (1 << Self::COUNT_BITS) - 1;

    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Whether a line may be written now, and how many were left out before it.
    fn admit(&self, now_ms: u64) -> Option<u64> {
        let same_window =
            |state: u64| state != 0 && now_ms.saturating_sub(state >> Self::COUNT_BITS) < Self::WINDOW_MS;
        let next = |state: u64| {
            let (start, count) = (state >> Self::COUNT_BITS, state & Self::COUNT_MAX);
            let (start, count) = if same_window(state) { (start, count + 1) } else { (now_ms, 1) };
            Some(start << Self::COUNT_BITS | count.min(Self::COUNT_MAX))
        };
        // `next` always gives a state, so both arms hold the one before.
        let (Ok(before) | Err(before)) = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        let count = before & Self::COUNT_MAX;
        match same_window(before) {
            true => (count < Self::LINES).then_some(0),
            false => Some(count.saturating_sub(Self::LINES)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::Mutex;

    #[derive(Default)]
    struct Kept(Mutex<Vec<(LogLevel, String, String)>>);

    impl LogSink for Kept {
        fn log(&self, level: LogLevel, target: &str, text: &str) {
            self.0.lock().push((level, target.to_owned(), text.to_owned()));
        }
    }

    #[test]
    fn levels_have_words_and_numbers() {
        for (number, level) in LogLevel::ALL.iter().enumerate() {
            assert_eq!(*level as i32, number as i32);
            assert_eq!(level.name().to_uppercase().parse::<LogLevel>().unwrap(), *level);
        }
        assert_eq!("loud".parse::<LogLevel>().unwrap_err().code(), ErrorCode::InvalidValue);
    }

    #[test]
    fn the_sink_gets_its_level_and_nothing_else_is_formatted() {
        let kept = Arc::new(Kept::default());
        let log = Log::new(LogLevel::Info, Some(kept.clone()));
        log.error(LogTarget::Client, || "1".to_owned());
        log.warn(LogTarget::Hooks, || "2".to_owned());
        log.info(LogTarget::Routing, || "3".to_owned());
        log.clone().debug(LogTarget::Client, || unreachable!("formatted a line nobody wants"));
        let expected = [
            (LogLevel::Error, "client", "1"),
            (LogLevel::Warn, "hooks", "2"),
            (LogLevel::Info, "routing", "3"),
        ];
        let kept = kept.0.lock();
        assert!(
            kept.iter().map(|(level, target, text)| (*level, target.as_str(), text.as_str())).eq(expected)
        );
    }

    #[test]
    fn the_names_that_programs_filter_by_stay() {
        let targets = [
            LogTarget::Client,
            LogTarget::Hooks,
            LogTarget::Producer,
            LogTarget::Remoting,
            LogTarget::Routing,
        ];
        assert_eq!(targets.map(LogTarget::name), ["client", "hooks", "producer", "remoting", "routing"]);
    }

    #[test]
    fn a_line_is_one_line() {
        let kept = Arc::new(Kept::default());
        let log = Log::new(LogLevel::Info, Some(kept.clone()));
        log.warn(LogTarget::Client, || {
            format!("refused: x\nrmq error client: forged\0{}", "y".repeat(1 << 20))
        });
        let kept = kept.0.lock();
        let text = &kept[0].2;
        assert!(text.starts_with("refused: x\\nrmq error client: forged\\u{0}yy"), "{text}");
        assert!(text.len() < 2 * text::LINE);
    }

    #[test]
    fn without_a_sink_only_warnings_are_formatted() {
        Log::new(LogLevel::Debug, None)
            .info(LogTarget::Client, || unreachable!("formatted a line nobody wants"));
        Log::new(LogLevel::Off, None)
            .error(LogTarget::Client, || unreachable!("formatted a line nobody wants"));
    }

    #[test]
    fn a_sink_that_panics_is_survived() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("a panic value that panics");
            }
        }
        struct Panics;
        impl LogSink for Panics {
            fn log(&self, _: LogLevel, _: &str, _: &str) {
                std::panic::panic_any(Bomb);
            }
        }
        Log::new(LogLevel::Debug, Some(Arc::new(Panics))).error(LogTarget::Client, || "text".to_owned());
    }

    #[test]
    fn ten_lines_pass_and_the_next_window_tells_how_many_did_not() {
        let limit = LineLimit::new();
        for line in 0..10 {
            assert_eq!(limit.admit(line), Some(0), "line {line}");
        }
        for _ in 0..7 {
            assert_eq!(limit.admit(9_999), None);
        }
        assert_eq!(limit.admit(10_000), Some(7));
        assert_eq!(limit.admit(10_001), Some(0));
        assert_eq!(limit.admit(20_000), Some(0));
    }

    #[test]
    fn a_long_flood_stays_within_its_window() {
        let limit = LineLimit::new();
        let admitted = (0..=LineLimit::COUNT_MAX + 5).filter(|_| limit.admit(3).is_some()).count();
        assert_eq!(admitted as u64, LineLimit::LINES);
        assert_eq!(limit.admit(10_003), Some(LineLimit::COUNT_MAX - LineLimit::LINES));
    }
}
