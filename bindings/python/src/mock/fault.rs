//! Faults to inject.

use pyo3::prelude::*;
use rocketmq_mock as mock;

use crate::timeout;

/// What a broker does instead of answering well. Made by its static methods, given to `MockCluster.inject`.
#[pyclass(frozen, module = "rmq.testing")]
pub(crate) struct Fault(pub(super) mock::Fault);

/// A rule that was injected.
#[pyclass(frozen, module = "rmq.testing")]
pub(crate) struct FaultId(pub(super) mock::FaultId);

#[pymethods]
impl Fault {
    /// Answers this response code and stores nothing.
    #[staticmethod]
    #[pyo3(signature = (code, remark=None))]
    fn code(code: i32, remark: Option<String>) -> Self {
        Self(mock::Fault::Code { code, remark })
    }

    /// Stores the message and answers this code (10, 11 or 12) with all the receipt's fields.
    #[staticmethod]
    fn stored_but_code(code: i32) -> Self {
        Self(mock::Fault::StoredButCode { code })
    }

    /// Answers well, so many seconds late.
    #[staticmethod]
    fn delay(seconds: f64) -> PyResult<Self> {
        Ok(Self(mock::Fault::Delay(timeout::seconds(seconds)?)))
    }

    /// Answers well, when the rule is removed.
    #[staticmethod]
    fn hold() -> Self {
        Self(mock::Fault::Hold)
    }

    /// Does nothing and never answers.
    #[staticmethod]
    fn no_answer() -> Self {
        Self(mock::Fault::NoAnswer)
    }

    /// Stores the message and never answers.
    #[staticmethod]
    fn store_then_no_answer() -> Self {
        Self(mock::Fault::StoreThenNoAnswer)
    }

    /// Resets the connection.
    #[staticmethod]
    fn reset() -> Self {
        Self(mock::Fault::Reset)
    }

    /// Stores the message and resets the connection.
    #[staticmethod]
    fn store_then_reset() -> Self {
        Self(mock::Fault::StoreThenReset)
    }

    /// Writes so many bytes of the answer, then resets the connection.
    #[staticmethod]
    fn partial_frame(bytes: usize) -> Self {
        Self(mock::Fault::PartialFrame { bytes })
    }

    /// Answers in the header encoding the request did not use.
    #[staticmethod]
    fn other_encoding() -> Self {
        Self(mock::Fault::OtherEncoding)
    }

    /// Answers with a header that cannot be decoded.
    #[staticmethod]
    fn garbage() -> Self {
        Self(mock::Fault::Garbage)
    }

    /// Answers a request that was never made.
    #[staticmethod]
    fn wrong_opaque() -> Self {
        Self(mock::Fault::WrongOpaque)
    }

    fn __repr__(&self) -> String {
        format!("<rmq.testing.Fault {:?}>", self.0)
    }
}
