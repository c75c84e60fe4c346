//! The arguments of a message: Python's signatures that have them are written by the macros of this file, of one table.

include!("keywords/table.rs");

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;

macro_rules! write_arguments {
    ({} $($keyword:ident: $type:ty = $default:tt, $python:literal;)*) => {
        /// What a call says about its message, as Python passes it.
        pub(crate) struct Arguments<'a, 'py> {
            pub(crate) topic: PyBackedStr,
            pub(crate) body: &'a Bound<'py, PyAny>,
            $(pub(crate) $keyword: $type,)*
        }
    };
}

message_keywords! { write_arguments! {} }

/// `class.method = function -> type;` writes the method of a class that sends the message of its arguments. The function,
/// one of the class too, gets the object, [`Arguments`] and the timeout.
macro_rules! send_method {
    ($(#[$doc:meta])* $class:ident.$method:ident = $function:ident -> $result:ty;) => {
        message_keywords! { write_send_method! { $(#[$doc])* $class.$method = $function -> $result; } }
    };
}

macro_rules! write_send_method {
    (
        { $(#[$doc:meta])* $class:ident.$method:ident = $function:ident -> $result:ty; }
        $($keyword:ident: $type:ty = $default:tt, $python:literal;)*
    ) => {
        #[pymethods]
        impl $class {
            $(#[$doc])*
            #[pyo3(signature = (topic, body, *, $($keyword = $default,)* timeout = None))]
            #[expect(clippy::too_many_arguments, reason = "Python keywords")]
            fn $method<'a, 'py>(
                slf: &Bound<'py, Self>,
                topic: PyBackedStr,
                body: &'a Bound<'py, PyAny>,
                $($keyword: $type,)*
                timeout: Option<f64>,
            ) -> PyResult<$result> {
                Self::$function(slf, Arguments { topic, body, $($keyword,)* }, timeout)
            }
        }
    };
}

/// `class = function;` writes the constructor of a class that is made of a message's arguments.
macro_rules! message_constructor {
    ($class:ident = $function:ident;) => {
        message_keywords! { write_message_constructor! { $class = $function; } }
    };
}

macro_rules! write_message_constructor {
    (
        { $class:ident = $function:ident; }
        $($keyword:ident: $type:ty = $default:tt, $python:literal;)*
    ) => {
        #[pymethods]
        impl $class {
            #[new]
            #[pyo3(signature = (topic, body, *, $($keyword = $default,)*))]
            #[expect(clippy::too_many_arguments, reason = "Python keywords")]
            fn new<'a, 'py>(
                topic: PyBackedStr,
                body: &'a Bound<'py, PyAny>,
                $($keyword: $type,)*
            ) -> PyResult<Self> {
                Self::$function(Arguments { topic, body, $($keyword,)* })
            }
        }
    };
}
