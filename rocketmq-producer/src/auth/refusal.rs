//! What an answer means that may be a refusal of the server's access control (protocol 10.4).

use std::fmt;

use rocketmq_protocol::codes::response;

use crate::error::{Error, ErrorCode};

/// How exceptions of ACL 1 begin.
const ACL_1: &str = "org.apache.rocketmq.acl.";

/// Brokers and topics that take no messages answer with the code of ACL 2, whoever asks.
const CLOSED_FOR_ALL: &str = "is forbidden";

/// What a server has against a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It carries no signature.
    Unsigned,
    /// The access key is not known.
    UnknownKey,
    /// The user is switched off.
    Disabled,
    /// The signature is another one than the server makes.
    Signature,
    /// The user may do other things, and not this.
    Permission,
    /// Something else.
    Other,
}

impl Refusal {
    /// The refusal that an answer with this code and remark is.
    pub(crate) fn of(code: i32, remark: Option<&str>) -> Option<Self> {
        let remark = remark.unwrap_or_default();
        let is_refusal = match code {
            response::SYSTEM_ERROR => remark.starts_with(ACL_1),
            response::NO_PERMISSION => !remark.contains(CLOSED_FOR_ALL),
            _ => false,
        };
        is_refusal.then(|| Self::of_remark(remark))
    }

    fn of_remark(remark: &str) -> Self {
        let parts = [
            ("o accessKey is configured", Self::Unsigned),
            ("username cannot be null", Self::Unsigned),
            ("ignature failed", Self::Signature),
            ("No acl config for", Self::UnknownKey),
            (" is not found", Self::UnknownKey),
            (" is disabled", Self::Disabled),
            ("permission", Self::Permission),
        ];
        parts.into_iter().find(|(part, _)| remark.contains(part)).map_or(Self::Other, |(_, refusal)| refusal)
    }

    /// The error that the answer becomes.
    pub(crate) fn into_error(self, code: i32, remark: Option<&str>) -> Error {
        let error = Error::answered(ErrorCode::AccessDenied, code, remark, false);
        let text = format!("{} ({self})", error.message());
        error.with_message(text)
    }

    /// Whether other credentials may be accepted that are of the same user.
    pub(crate) fn is_of_credentials(self) -> bool {
        self != Self::Permission
    }
}

/// What may be done about it.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsigned => "the request was not signed: set access.key and secret.key",
            Self::UnknownKey => "this server knows no such access key, or not any more",
            Self::Disabled => "the user is switched off there",
            Self::Signature => {
                "the secret key or the security token is not the one of this access key, or something on the way changes requests"
            }
            Self::Permission => "the access key is right, and does not permit this: topic, group or address",
            Self::Other => "the server's access control refuses it",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_both_kinds_of_access_control_are_told_apart() {
        const AT: &str =
            ", org.apache.rocketmq.acl.plain.PlainPermissionManager.validate(PlainPermissionManager.java:1)";
        let acl_1 = |text: &str| {
            Refusal::of(1, Some(&format!("org.apache.rocketmq.acl.common.AclException: {text}{AT}")))
        };
        assert_eq!(acl_1("No accessKey is configured"), Some(Refusal::Unsigned));
        assert_eq!(acl_1("No acl config for ak"), Some(Refusal::UnknownKey));
        assert_eq!(acl_1("Check signature failed for accessKey=ak"), Some(Refusal::Signature));
        assert_eq!(acl_1("No default permission for topic:T"), Some(Refusal::Permission));
        assert_eq!(acl_1("Netaddress examine scope Exception"), Some(Refusal::Other));
        let acl_2 = |text: &str| Refusal::of(16, Some(text));
        assert_eq!(acl_2("username cannot be null."), Some(Refusal::Unsigned));
        assert_eq!(acl_2("User:ak is not found."), Some(Refusal::UnknownKey));
        assert_eq!(acl_2("User:ak is disabled."), Some(Refusal::Disabled));
        assert_eq!(acl_2("check signature failed."), Some(Refusal::Signature));
        let permission = "User:ak has no permission to access Topic:T from 10.0.0.1, no matched policies.";
        assert_eq!(acl_2(permission), Some(Refusal::Permission));
        assert_eq!(Refusal::of(16, None), Some(Refusal::Other));
    }

    #[test]
    fn what_is_closed_for_all_is_no_refusal() {
        for remark in [
            "the broker[10.0.0.1:10911] sending message is forbidden",
            "the topic[T] sending message is forbidden",
            "recall failed, operation is forbidden",
        ] {
            assert_eq!(Refusal::of(16, Some(remark)), None, "{remark}");
        }
        assert_eq!(Refusal::of(1, Some("java.lang.NullPointerException, org.apache.rocketmq.acl.")), None);
        assert_eq!((Refusal::of(1, None), Refusal::of(2, None), Refusal::of(0, None)), (None, None, None));
    }
}
