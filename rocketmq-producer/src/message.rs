//! A message as the caller hands it over.

/// A user property: a name and a value, both kept byte for byte as UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property<'a> {
    /// The name; not one of RocketMQ's reserved names, not blank.
    pub name: &'a str,
    /// The value; not blank.
    pub value: &'a str,
}

/// A borrowed view of the caller's message. Sending reads it and never changes it; what is needed after the
/// call returns is copied before it returns.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Topic: 1 to 127 of the characters `A-Z a-z 0-9 _ - % |`.
    pub topic: &'a str,
    /// Body: any bytes, at least one, at most `max.message.size`.
    pub body: &'a [u8],
    /// One tag that consumers filter by.
    pub tags: Option<&'a str>,
    /// Business keys the broker indexes; none may contain a space.
    pub keys: &'a [&'a str],
    /// User properties.
    pub properties: &'a [Property<'a>],
    /// A number for the application; brokers keep it.
    pub flag: i32,
    /// 0 = at once; 1 to 18 = the broker's delay level (protocol 5.7).
    pub delay_level: i32,
    /// Whether the broker waits for flush and replication before it answers (property WAIT).
    pub wait_store_ok: bool,
}

impl<'a> Message<'a> {
    /// A message with this topic and body and nothing else.
    pub const fn new(topic: &'a str, body: &'a [u8]) -> Self {
        Self {
            topic,
            body,
            tags: None,
            keys: &[],
            properties: &[],
            flag: 0,
            delay_level: 0,
            wait_store_ok: true,
        }
    }
}
