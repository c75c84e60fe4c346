//! Who may send what: the access control of a cluster. 4.9 answers as its ACL 1 does, 5.x as its ACL 2 (protocol 10).

use std::collections::HashMap;

use rocketmq_protocol::acl::{self, SigningKey};
use rocketmq_protocol::codes::{request, response};
use rocketmq_protocol::encode::{ExtFields, FieldVisitor};
use rocketmq_protocol::header::Fields;

use crate::answer::Answer;
use crate::options::Profile;
use crate::request::Request;

/// Whom the brokers of a cluster with access control serve.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// `AccessKey` of ACL 1, the user name of ACL 2.
    pub access_key: String,
    /// `SecretKey`, or the password.
    pub secret_key: String,
    /// The topics it may publish to; `None` is all.
    pub topics: Option<Vec<String>>,
}

impl Account {
    /// One that may publish to all topics.
    pub fn new(access_key: impl Into<String>, secret_key: impl Into<String>) -> Account {
        Account { access_key: access_key.into(), secret_key: secret_key.into(), topics: None }
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Account { access_key, topics, .. } = self;
        f.debug_struct("Account")
            .field("access_key", access_key)
            .field("topics", topics)
            .finish_non_exhaustive()
    }
}

/// The accounts of a cluster; as long as it never had any, everybody is served.
#[derive(Debug, Default)]
pub(crate) struct Accounts(Option<HashMap<String, Known>>);

#[derive(Debug)]
struct Known {
    key: SigningKey,
    topics: Option<Vec<String>>,
}

impl Accounts {
    pub(crate) fn set(&mut self, account: &Account) {
        let known = Known { key: SigningKey::new(&account.secret_key), topics: account.topics.clone() };
        self.0.get_or_insert_default().insert(account.access_key.clone(), known);
    }

    pub(crate) fn remove(&mut self, access_key: &str) {
        self.0.get_or_insert_default().remove(access_key);
    }

    /// What a broker says instead of executing the request; nothing if it may be executed.
    pub(crate) fn refuse(&self, profile: Profile, request: &Request<'_, '_>) -> Option<Answer> {
        let problem = self.problem(profile, request)?;
        let (code, remark) = match profile {
            Profile::V4_9 => {
                let exception = "org.apache.rocketmq.acl.common.AclException: ";
                let place = "org.apache.rocketmq.acl.plain.PlainPermissionManager.validate";
                (
                    response::SYSTEM_ERROR,
                    format!("{exception}{problem}, {place}(PlainPermissionManager.java)"),
                )
            }
            Profile::V5 => (response::NO_PERMISSION, problem),
        };
        Some(Answer::before_processor(code, Some(remark.into())))
    }

    fn problem(&self, profile: Profile, request: &Request<'_, '_>) -> Option<String> {
        let accounts = self.0.as_ref()?;
        let fields = &request.header.fields;
        let Some(access_key) = fields.get(acl::ACCESS_KEY) else {
            return Some(match profile {
                Profile::V4_9 => "No accessKey is configured".to_owned(),
                Profile::V5 => "username cannot be null.".to_owned(),
            });
        };
        let Some(account) = accounts.get(access_key) else {
            return Some(match profile {
                Profile::V4_9 => format!("No acl config for {access_key}"),
                Profile::V5 => format!("User:{access_key} is not found."),
            });
        };
        let signature = account.key.sign(&Signed(fields), &[request.body]);
        if fields.get(acl::SIGNATURE) != Some(signature.as_str()) {
            return Some(match profile {
                Profile::V4_9 => format!("Check signature failed for accessKey={access_key}"),
                Profile::V5 => "check signature failed.".to_owned(),
            });
        }
        let topic = published_topic(profile, request)?;
        let permitted =
            account.topics.as_ref().is_none_or(|topics| topics.iter().any(|known| known == topic));
        (!permitted).then(|| match profile {
            Profile::V4_9 => format!("No default permission for topic:{topic}"),
            Profile::V5 => format!(
                "User:{access_key} has no permission to access Topic:{topic} from {}, no matched policies.",
                request.arrival.origin.peer.ip()
            ),
        })
    }
}

/// The topic that must be open to the account. ACL 1 looks at single messages only.
fn published_topic<'a>(profile: Profile, request: &'a Request<'_, '_>) -> Option<&'a str> {
    let name = match request.header.code {
        request::SEND_MESSAGE => "topic",
        request::SEND_MESSAGE_V2 => "b",
        request::SEND_BATCH_MESSAGE if profile.is_v5() => "b",
        _ => return None,
    };
    request.header.fields.get(name)
}

/// All fields but the signature.
struct Signed<'a, 'f>(&'a Fields<'f>);

impl ExtFields for Signed<'_, '_> {
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V) {
        for (name, value) in self.0.iter().filter(|(name, _)| *name != acl::SIGNATURE) {
            visitor.text(name, value);
        }
    }
}
