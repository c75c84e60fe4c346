//! Hooks around every request of a client instance, whatever its code.

use rocketmq_protocol::header::Header;

/// Sees every request before it is written and every answer before it is used.
///
/// Called on whichever thread sends or reads, often the I/O thread, and never under a lock of the library. Whatever waits for
/// that thread waits for the hook, so it must be quick, and it must not wait for the library. The hooks of the producer that makes the client instance count for all producers that share it.
pub trait RpcHook: Send + Sync {
    /// The request is complete but for what hooks add. Called once for each attempt; again only when messages of a batch leave it
    /// before it is written, as their time is over: with another body it is another request.
    ///
    /// # Errors
    /// Why the request must not be sent; it fails as `FORBIDDEN`.
    fn before_request(&self, request: &mut RpcRequest<'_>) -> Result<(), String>;

    /// An answer has come. Never called for one-way requests and for requests that were given up.
    fn after_response(&self, _response: &RpcResponse<'_, '_>) {}
}

/// A request on its way out.
pub struct RpcRequest<'a> {
    pub(crate) address: &'a str,
    pub(crate) code: i32,
    pub(crate) fields: &'a mut Vec<(String, String)>,
    pub(crate) body: &'a [&'a [u8]],
}

impl RpcRequest<'_> {
    /// `host:port` of the peer.
    pub fn address(&self) -> &str {
        self.address
    }

    /// The request code (protocol 2).
    pub fn code(&self) -> i32 {
        self.code
    }

    /// The ext fields so far, in the order they are written.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Adds an ext field; the last of several with one name counts. An empty value is lost in the binary encoding.
    pub fn add_field(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.fields.push((name.into(), value.into()));
    }

    /// The body, in pieces that follow one another.
    pub fn body(&self) -> impl Iterator<Item = &[u8]> {
        self.body.iter().copied()
    }
}

/// An answer on its way in.
pub struct RpcResponse<'a, 'h> {
    pub(crate) address: &'a str,
    pub(crate) request_code: i32,
    pub(crate) header: &'a Header<'h>,
}

impl RpcResponse<'_, '_> {
    /// `host:port` of the peer.
    pub fn address(&self) -> &str {
        self.address
    }

    /// The code of the request it answers.
    pub fn request_code(&self) -> i32 {
        self.request_code
    }

    /// The response code (protocol 1.6).
    pub fn code(&self) -> i32 {
        self.header.code
    }

    /// The text that came with the code.
    pub fn remark(&self) -> Option<&str> {
        self.header.remark.as_deref()
    }

    /// The ext fields.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.header.fields.iter()
    }
}
