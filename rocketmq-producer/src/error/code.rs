//! The kinds of errors, by number and name.

/// The kind of an error. Numbers are part of the ABI and never change.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// An argument is missing, is not UTF-8, or is outside its range.
    InvalidArgument = 1,
    /// The configuration has no key of this name.
    UnknownKey = 2,
    /// The value does not fit its configuration key.
    InvalidValue = 3,
    /// The message breaks a rule of topics, bodies or properties; nothing was sent.
    MessageIllegal = 4,
    /// Another producer of the same client instance has this group.
    GroupConflict = 5,
    /// The producer is closed, or was closed before the send had its outcome.
    Closed = 6,
    /// The handle was made before `fork` and is used in the child.
    Forked = 7,
    /// The call would wait for the very callback it was made from.
    WouldDeadlock = 8,
    /// The bound on messages or bytes in flight is reached.
    QueueFull = 9,
    /// The deadline of the call passed.
    Timeout = 10,
    /// No name server address is configured, or the look-up has given none yet.
    NoNameServer = 11,
    /// No name server could be asked: unreachable, silent or failing.
    NameServer = 12,
    /// The topic has no route, or no queue that may be written.
    NoRoute = 13,
    /// No connection to the broker could be made.
    Connect = 14,
    /// The connection broke while the request was under way.
    ConnectionLost = 15,
    /// The broker answered with an error code.
    Broker = 16,
    /// The peer sent something that is not the remoting protocol.
    Protocol = 17,
    /// The operating system refused a thread, a descriptor or memory.
    System = 18,
    /// A defect of the library; please report it.
    Internal = 19,
    /// A hook of the program refused the message or the request.
    Forbidden = 20,
    /// The cluster does not accept the credentials, or they do not permit this; or there are no credentials.
    AccessDenied = 21,
}

impl ErrorCode {
    /// Every code, in the order of its number.
    pub const ALL: &'static [ErrorCode] = &[
        Self::InvalidArgument,
        Self::UnknownKey,
        Self::InvalidValue,
        Self::MessageIllegal,
        Self::GroupConflict,
        Self::Closed,
        Self::Forked,
        Self::WouldDeadlock,
        Self::QueueFull,
        Self::Timeout,
        Self::NoNameServer,
        Self::NameServer,
        Self::NoRoute,
        Self::Connect,
        Self::ConnectionLost,
        Self::Broker,
        Self::Protocol,
        Self::System,
        Self::Internal,
        Self::Forbidden,
        Self::AccessDenied,
    ];

    /// The name as C and Python spell it, for example `QUEUE_FULL`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::UnknownKey => "UNKNOWN_KEY",
            Self::InvalidValue => "INVALID_VALUE",
            Self::MessageIllegal => "MESSAGE_ILLEGAL",
            Self::GroupConflict => "GROUP_CONFLICT",
            Self::Closed => "CLOSED",
            Self::Forked => "FORKED",
            Self::WouldDeadlock => "WOULD_DEADLOCK",
            Self::QueueFull => "QUEUE_FULL",
            Self::Timeout => "TIMEOUT",
            Self::NoNameServer => "NO_NAME_SERVER",
            Self::NameServer => "NAME_SERVER",
            Self::NoRoute => "NO_ROUTE",
            Self::Connect => "CONNECT",
            Self::ConnectionLost => "CONNECTION_LOST",
            Self::Broker => "BROKER",
            Self::Protocol => "PROTOCOL",
            Self::System => "SYSTEM",
            Self::Internal => "INTERNAL",
            Self::Forbidden => "FORBIDDEN",
            Self::AccessDenied => "ACCESS_DENIED",
        }
    }

    /// The code of this number, if there is one.
    pub fn from_i32(number: i32) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| *code as i32 == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_distinct_and_found_again() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_i32(*code as i32), Some(*code));
            assert_eq!(ErrorCode::ALL.iter().filter(|other| other.name() == code.name()).count(), 1);
        }
        assert_eq!(ErrorCode::from_i32(0), None);
        assert_eq!(ErrorCode::from_i32(ErrorCode::ALL.len() as i32 + 1), None);
    }
}
