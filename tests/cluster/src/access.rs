//! Access control of a cluster: ACL 1 of 4.9.7, ACL 2 of 5.x (authentication and authorization).

use std::fs;
use std::path::Path;

use rocketmq_protocol::acl::{ACCESS_KEY, SIGNATURE, SigningKey};

use crate::wire::{Connection, Request};
use crate::{LaunchError, Version};

/// A user: access key and secret key, or name and password.
pub type User = (&'static str, &'static str);

/// Who may do everything.
pub const ADMIN: User = ("rmqadmin", "12345678");
/// Who may publish to [`PERMITTED`] alone.
pub const LIMITED: User = ("limited", "87654321");
/// The topic of [`LIMITED`].
pub const PERMITTED: &str = "T_ok";

const CREATE_USER: i32 = 3001;
const UPDATE_USER: i32 = 3002;
const CREATE_ACL: i32 = 3006;

impl Request {
    /// Signs it: call it last.
    #[must_use]
    pub fn signed(self, (access_key, secret_key): (&str, &str)) -> Request {
        let request = self.field(ACCESS_KEY, access_key);
        let signature = SigningKey::new(secret_key).sign(&request.ext_fields(), &[&request.body]);
        request.field(SIGNATURE, signature.as_str())
    }
}

/// Lines for `broker.conf`.
pub(crate) fn broker_conf(version: Version) -> Vec<(String, String)> {
    let (name, password) = ADMIN;
    let provider = |part: &str, class: &str| format!("org.apache.rocketmq.auth.{part}.provider.{class}");
    let lines = match version {
        Version::V4_9_7 => vec![("aclEnable", "true".to_owned())],
        Version::V5_3_3 | Version::V5_5_0 => vec![
            ("authenticationEnabled", "true".to_owned()),
            (
                "authenticationMetadataProvider",
                provider("authentication", "LocalAuthenticationMetadataProvider"),
            ),
            ("initAuthenticationUser", format!(r#"{{"username":"{name}","password":"{password}"}}"#)),
            (
                "innerClientAuthenticationCredentials",
                format!(r#"{{"accessKey":"{name}","secretKey":"{password}"}}"#),
            ),
            ("authorizationEnabled", "true".to_owned()),
            (
                "authorizationMetadataProvider",
                provider("authorization", "LocalAuthorizationMetadataProvider"),
            ),
        ],
    };
    lines.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The accounts of 4.9.7, which reads them from a file of the broker's home, at once when it changes.
pub(crate) fn write_accounts(home: &Path, limited_secret: &str) -> Result<(), LaunchError> {
    let conf = home.join("conf");
    fs::create_dir_all(&conf).map_err(LaunchError::path("create", &conf))?;
    let text = format!(
        "accounts:\n\
         - accessKey: {}\n  secretKey: \"{}\"\n  admin: true\n\
         - accessKey: {}\n  secretKey: \"{limited_secret}\"\n  admin: false\n  defaultTopicPerm: DENY\n  defaultGroupPerm: DENY\n  \
         topicPerms:\n  - {PERMITTED}=PUB|SUB\n",
        ADMIN.0, ADMIN.1, LIMITED.0
    );
    let file = conf.join("plain_acl.yml");
    fs::write(&file, text).map_err(LaunchError::path("write", &file))
}

/// The limited user of 5.x, which learns of users by requests.
pub(crate) fn make_limited(broker: &str) -> Result<(), LaunchError> {
    let (name, password) = LIMITED;
    let user = Request::new(CREATE_USER)
        .field("username", name)
        .body(format!(r#"{{"username":"{name}","password":"{password}","userType":"Normal"}}"#));
    ask(broker, user)?;
    let acl = Request::new(CREATE_ACL).field("subject", format!("User:{name}")).body(format!(
        r#"{{"subject":"User:{name}","policies":[{{"policyType":"Custom","entries":[{{"resource":"Topic:{PERMITTED}","actions":["Pub","Sub"],"sourceIps":["127.0.0.1"],"decision":"Allow"}}]}}]}}"#
    ));
    ask(broker, acl)
}

/// Gives the limited user of 5.x another password.
pub(crate) fn change_limited(broker: &str, password: &str) -> Result<(), LaunchError> {
    let name = LIMITED.0;
    let user = Request::new(UPDATE_USER)
        .field("username", name)
        .body(format!(r#"{{"username":"{name}","password":"{password}","userType":"Normal"}}"#));
    ask(broker, user)
}

fn ask(broker: &str, request: Request) -> Result<(), LaunchError> {
    let code = request.code;
    let answer = Connection::open(broker)?.call(&request.signed(ADMIN))?;
    if answer.code == 0 {
        return Ok(());
    }
    let text = format!("code {} {}", answer.code, answer.remark.unwrap_or_default());
    Err(LaunchError::Wire { what: format!("request {code} of the administrator"), source: text.into() })
}
