// The keywords of a message that every send and `rmq.Message` take behind topic and body, in their order: name, type and
// default in Rust, type in Python. They stand here once: `keywords.rs` writes signatures of them, and `cargo xtask header`
// prints them into the stub (it includes this file, which is why the types are those of nobody's imports).
macro_rules! message_keywords {
    ($write:ident! $context:tt) => {
        $write! {
            $context
            tags: Option<PyBackedStr> = None, "str | None";
            keys: Option<&'a Bound<'py, PyAny>> = None, "str | Iterable[str] | None";
            properties: Option<&'a Bound<'py, PyAny>> = None, "Mapping[str, str] | None";
            buyer_id: Option<PyBackedStr> = None, "str | None";
            instance_id: Option<PyBackedStr> = None, "str | None";
            flag: i32 = 0, "int";
            delay_level: i32 = 0, "int";
            delay_seconds: i64 = 0, "int";
            delay_ms: i64 = 0, "int";
            deliver_at_ms: i64 = 0, "int";
            sharding_key: Option<&'a Bound<'py, PyAny>> = None, "str | int | None";
            queue: Option<&'a Bound<'py, PyAny>> = None, "tuple[str, int] | Literal[\"random\"] | None";
            selector: Option<&'a Bound<'py, PyAny>> = None, "_Selector | None";
            wait_store_ok: bool = true, "bool";
        }
    };
}
