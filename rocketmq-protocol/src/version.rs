//! Protocol version ordinals (protocol, appendix B) that change how a peer behaves.

/// RocketMQ 4.0.0.
pub const V4_0_0: i32 = 213;
/// RocketMQ 4.9.0.
pub const V4_9_0: i32 = 393;
/// Up to this version name servers write route JSON with unquoted ids, and `_UNIQUE_KEY_QUERY` stays
/// out of the ACL check of 5.x.
pub const V4_9_3: i32 = 399;
/// From this version on a client gets route JSON with quoted ids.
pub const V4_9_4: i32 = 401;
/// RocketMQ 4.9.7.
pub const V4_9_7: i32 = 407;
/// RocketMQ 4.9.8.
pub const V4_9_8: i32 = 409;
/// RocketMQ 5.0.0.
pub const V5_0_0: i32 = 413;
/// RocketMQ 5.1.0.
pub const V5_1_0: i32 = 433;
/// Servers 5.2.0 to 5.3.1 send GO_AWAY to clients above this version.
pub const V5_1_4: i32 = 441;
/// RocketMQ 5.2.0.
pub const V5_2_0: i32 = 453;
/// RocketMQ 5.3.0.
pub const V5_3_0: i32 = 473;
/// Servers from 5.3.2 on send GO_AWAY to clients above this version.
pub const V5_3_1: i32 = 475;
/// RocketMQ 5.3.2.
pub const V5_3_2: i32 = 477;
/// RocketMQ 5.3.3.
pub const V5_3_3: i32 = 479;
/// RocketMQ 5.3.4.
pub const V5_3_4: i32 = 481;
/// RocketMQ 5.5.0, as its answers say.
pub const V5_5_0: i32 = 513;

/// The version this library advertises: quoted route ids, and no server sends it away (GO_AWAY).
pub const ADVERTISED: i32 = V5_1_4;
