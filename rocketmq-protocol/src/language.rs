//! The language a peer says it is written in (protocol 1.5).

/// The `language` of a header that names none, or one this crate does not know.
pub const UNKNOWN_LANGUAGE: u8 = 255;

macro_rules! languages {
    ($($(#[$doc:meta])* $variant:ident = $code:literal $name:literal,)+) => {
        /// Language of a peer, by code in the binary header and by name in the JSON header.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Language {
            $($(#[$doc])* $variant = $code,)+
        }

        impl Language {
            /// All languages, by code.
            pub const ALL: &'static [Language] = &[$(Language::$variant),+];

            /// The name in the JSON header.
            pub fn name(self) -> &'static str {
                match self {
                    $(Language::$variant => $name,)+
                }
            }

            /// The language with this name in the JSON header.
            pub fn from_name(name: &str) -> Option<Language> {
                match name {
                    $($name => Some(Language::$variant),)+
                    _ => None,
                }
            }

            /// The language with this code in the binary header.
            pub fn from_code(code: u8) -> Option<Language> {
                match code {
                    $($code => Some(Language::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

languages! {
    /// Java; all servers.
    Java = 0 "JAVA",
    /// C++.
    Cpp = 1 "CPP",
    /// .NET.
    Dotnet = 2 "DOTNET",
    /// Python.
    Python = 3 "PYTHON",
    /// Delphi.
    Delphi = 4 "DELPHI",
    /// Erlang.
    Erlang = 5 "ERLANG",
    /// Ruby.
    Ruby = 6 "RUBY",
    /// Any other.
    Other = 7 "OTHER",
    /// HTTP gateways.
    Http = 8 "HTTP",
    /// Go.
    Go = 9 "GO",
    /// PHP.
    Php = 10 "PHP",
    /// OpenMessaging; servers from 4.3.
    Oms = 11 "OMS",
    /// Rust; servers from 4.9.4.
    Rust = 12 "RUST",
    /// Node.js; servers from 5.3.2.
    NodeJs = 13 "NODE_JS",
}

impl Language {
    /// The code in the binary header.
    pub fn code(self) -> u8 {
        self as u8
    }

    pub(crate) fn code_of_name(name: &str) -> u8 {
        Language::from_name(name).map_or(UNKNOWN_LANGUAGE, Language::code)
    }
}
