//! Body, keys and properties in the forms in which Python may pass them.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyMemoryView, PyString};

pub(super) fn body_bytes<'py>(body: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    if let Ok(bytes) = body.cast::<PyBytes>() {
        return Ok(bytes.clone());
    }
    if let Ok(bytes) = body.cast::<PyByteArray>() {
        return Ok(PyBytes::new(body.py(), &bytes.to_vec()));
    }
    if body.cast::<PyMemoryView>().is_ok() {
        return Ok(body.call_method0("tobytes")?.cast_into::<PyBytes>()?);
    }
    let given = body.get_type().name()?;
    Err(PyTypeError::new_err(format!("body must be bytes, bytearray or memoryview, not {given}")))
}

pub(super) fn key_list(keys: &Bound<'_, PyAny>) -> PyResult<Vec<PyBackedStr>> {
    if let Ok(key) = keys.cast::<PyString>() {
        return Ok(vec![key.extract()?]);
    }
    keys.try_iter()?.map(|key| key?.extract()).collect()
}

pub(super) fn property_list(properties: &Bound<'_, PyAny>) -> PyResult<Vec<(PyBackedStr, PyBackedStr)>> {
    if let Ok(properties) = properties.cast::<PyDict>() {
        return properties.iter().map(|(name, value)| Ok((name.extract()?, value.extract()?))).collect();
    }
    properties.call_method0("items")?.try_iter()?.map(|pair| pair?.extract()).collect()
}
