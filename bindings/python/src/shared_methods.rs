//! Methods that are the same for both producers.

/// Writes them for a class with a field `handle`.
macro_rules! shared_methods {
    ($class:ident) => {
        #[pymethods]
        impl $class {
            /// Takes other name servers; sends under way go on.
            fn set_name_servers(&self, addresses: &Bound<'_, PyAny>) -> PyResult<()> {
                self.handle.set_name_servers(addresses)
            }

            /// Signs requests with these credentials from now on.
            #[pyo3(signature = (access_key, secret_key, security_token=None))]
            fn set_credentials(
                &self,
                access_key: &str,
                secret_key: &str,
                security_token: Option<&str>,
            ) -> PyResult<()> {
                self.handle.set_credentials(access_key, secret_key, security_token)
            }

            /// What the producer has done, and how it stands.
            fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                self.handle.stats(py)
            }

            /// The same as text for Prometheus.
            fn prometheus(&self, py: Python<'_>) -> PyResult<String> {
                self.handle.prometheus(py)
            }

            /// How many messages are under way.
            #[getter]
            fn in_flight(&self) -> PyResult<usize> {
                Ok(self.handle.producer()?.in_flight())
            }

            /// The client id the brokers know this producer by.
            #[getter]
            fn client_id(&self) -> PyResult<&str> {
                Ok(self.handle.producer()?.client_id())
            }

            /// The producer group.
            #[getter]
            fn group(&self) -> PyResult<&str> {
                Ok(self.handle.producer()?.group())
            }
        }
    };
}
