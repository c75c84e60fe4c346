//! The credentials in use, and the asking for new ones.

use std::collections::HashSet;
use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use rocketmq_protocol::encode::ExtFields;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::{Credentials, CredentialsProvider, SignatureFields, Signer};
use crate::error::{Error, ErrorCode};
use crate::log::{Log, LogTarget};
use crate::sync::Mutex;
use crate::sys::Moment;
use crate::task::{self, Stopped};

/// A provider is asked no more often than this.
const PAUSE: Duration = Duration::from_secs(1);

/// Credentials are renewed when this share of their time is over: 1 − 1/5.
const USED: f64 = 0.8;

/// Credentials without an end.
const NEVER: u64 = u64::MAX;

/// So many different refusals are told; a peer chooses their texts.
const MAX_TOLD: usize = 16;

/// Why a provider gave no credentials.
type Cause = Arc<dyn StdError + Send + Sync>;

/// How requests of one client instance are signed, if they are.
pub(crate) struct Signing {
    provider: Option<Arc<dyn CredentialsProvider>>,
    /// Whether requests are signed: for those who only ask for that.
    is_on: AtomicBool,
    signer: ArcSwapOption<Signer>,
    /// When the time of the signer is nearly over, in nanoseconds of the clock.
    renew_at: AtomicU64,
    state: Mutex<State>,
    /// The provider has answered, or others were set.
    changed: Notify,
    log: Log,
}

#[derive(Default)]
struct State {
    /// When the signer came.
    since: Option<Moment>,
    /// A broker has refused what the signer signed, and the provider has given nothing else since.
    is_refused: bool,
    is_asking: bool,
    /// Why the last answer was none.
    failure: Option<Cause>,
    /// The provider is not asked before.
    not_before: Option<Moment>,
    told: HashSet<String>,
}

impl Signing {
    pub(crate) fn new(
        credentials: Option<Credentials>,
        provider: Option<Arc<dyn CredentialsProvider>>,
        log: Log,
    ) -> Self {
        let is_on = AtomicBool::new(credentials.is_some() || provider.is_some());
        let signer = credentials.map(|credentials| Arc::new(Signer::new(credentials)));
        Self {
            provider,
            is_on,
            signer: ArcSwapOption::from(signer),
            renew_at: AtomicU64::new(NEVER),
            state: Mutex::new(State { since: Some(Moment::now()), ..State::default() }),
            changed: Notify::new(),
            log,
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// Whether a producer that means these credentials may share this client instance.
    pub(crate) fn is_alike(
        &self,
        credentials: Option<&Credentials>,
        provider: Option<&Arc<dyn CredentialsProvider>>,
    ) -> bool {
        match (&self.provider, provider) {
            (Some(own), Some(other)) => Arc::ptr_eq(own, other),
            (None, None) => match (&*self.signer.load(), credentials) {
                (Some(signer), Some(other)) => signer.credentials().sign_alike(other),
                (None, None) => true,
                _ => false,
            },
            _ => false,
        }
    }

    /// Signs with these from now on.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if a provider gives them.
    pub(crate) fn set(&self, credentials: Credentials) -> Result<(), Error> {
        if self.provider.is_some() {
            let text = "credentials cannot be set: a provider gives them";
            return Err(Error::new(ErrorCode::InvalidArgument, text));
        }
        let mut state = self.state.lock();
        state.since = Some(Moment::now());
        state.told.clear();
        drop(state);
        self.signer.store(Some(Arc::new(Signer::new(credentials))));
        self.is_on.store(true, Ordering::Relaxed);
        self.changed.notify_waiters();
        Ok(())
    }

    /// The signature of a request that has these fields and this body, though the credentials may be refused.
    ///
    /// # Errors
    /// There are no credentials: why.
    pub(crate) fn sign(
        self: &Arc<Self>,
        fields: &impl ExtFields,
        body: &[u8],
    ) -> Result<SignatureFields, Error> {
        let renew_at = self.renew_at.load(Ordering::Relaxed);
        if renew_at != NEVER && renew_at <= Moment::now().nanos() && self.state.lock().begin_asking() {
            self.ask();
        }
        let signed = Signer::sign(self.signer.load(), fields, body);
        signed.ok_or_else(|| none(self.state.lock().failure.clone()))
    }

    /// Waits until there are credentials that no broker has refused; at once if nothing is signed.
    ///
    /// # Errors
    /// `ACCESS_DENIED`: the provider has failed, or does not answer in time.
    pub(crate) async fn ready(self: &Arc<Self>, deadline: Moment) -> Result<(), Error> {
        if self.provider.is_none() {
            return Ok(());
        }
        loop {
            let changed = self.changed.notified();
            let (asks, until) = {
                let mut state = self.state.lock();
                if self.is_ready(&state) {
                    return Ok(());
                }
                let asks = state.begin_asking();
                match (state.is_asking, &state.failure) {
                    (true, _) => (asks, deadline),
                    // It is not asked so soon after its last answer.
                    (false, None) => (false, state.not_before.map_or(deadline, |end| end.min(deadline))),
                    (false, failure) => return Err(none(failure.clone())),
                }
            };
            if asks {
                self.ask();
            }
            if timeout(until.since(Moment::now()), changed).await.is_err() && Moment::now() >= deadline {
                return Err(unanswered());
            }
        }
    }

    /// What those have come to whose time is over while there were no credentials.
    pub(crate) fn missing(&self) -> Option<Error> {
        (self.provider.is_some() && !self.is_ready(&self.state.lock())).then(unanswered)
    }

    /// A broker has refused what was signed at that time or later. Whether another try may go better: once there are other
    /// credentials, which [`ready`](Self::ready) waits for.
    pub(crate) fn refused(self: &Arc<Self>, signed_at: Moment) -> bool {
        if self.provider.is_none() {
            return false;
        }
        let mut state = self.state.lock();
        if state.since.is_some_and(|since| since > signed_at) {
            // They are others by now.
            return true;
        }
        state.is_refused = true;
        let asks = state.begin_asking();
        let hope = state.is_asking || state.failure.is_none();
        drop(state);
        if asks {
            self.ask();
        }
        hope
    }

    /// Tells a refusal, once for each text while the credentials are the same.
    pub(crate) fn tell_refusal(&self, text: &str) {
        let mut state = self.state.lock();
        let is_new = state.told.len() < MAX_TOLD && state.told.insert(text.to_owned());
        drop(state);
        if is_new {
            self.log.warn(LogTarget::Client, || text.to_owned());
        }
    }

    /// Whether there are credentials that no broker has refused.
    fn is_ready(&self, state: &State) -> bool {
        self.signer.load().is_some() && !state.is_refused
    }

    fn ask(self: &Arc<Self>) {
        let Some(provider) = self.provider.clone() else { return };
        let signing = Arc::clone(self);
        let end = move |outcome: Result<Result<Credentials, Cause>, Stopped>| {
            signing.answered(outcome.unwrap_or_else(|stopped| Err(Arc::new(stopped))));
        };
        let work = move || provider.credentials().map_err(Cause::from);
        if let Err(error) = task::thread("rmq-credentials", work, end) {
            self.answered(Err(Arc::new(error)));
        }
    }

    /// What the provider has said.
    fn answered(&self, answer: Result<Credentials, Cause>) {
        let mut state = self.state.lock();
        state.is_asking = false;
        state.not_before = Moment::now().checked_add(PAUSE);
        let same = |given: &Credentials| {
            let own = self.signer.load();
            state.is_refused && own.as_ref().is_some_and(|own| own.credentials().sign_alike(given))
        };
        let answer = match answer {
            Ok(given) if same(&given) => {
                Err(Arc::new(io::Error::other("it gave again what a broker has refused")) as Cause)
            }
            other => other,
        };
        let told = match answer {
            Ok(credentials) => {
                self.renew_at.store(renewal(&credentials).map_or(NEVER, Moment::nanos), Ordering::Relaxed);
                self.signer.store(Some(Arc::new(Signer::new(credentials))));
                state.since = Some(Moment::now());
                state.is_refused = false;
                state.failure = None;
                state.told.clear();
                None
            }
            Err(why) => {
                if self.renew_at.load(Ordering::Relaxed) != NEVER {
                    self.renew_at.store(state.not_before.map_or(NEVER, Moment::nanos), Ordering::Relaxed);
                }
                let text = why.to_string();
                let is_new = state.failure.replace(why).is_none_or(|former| former.to_string() != text);
                is_new.then_some(text)
            }
        };
        drop(state);
        if let Some(why) = told {
            self.log.warn(LogTarget::Client, || format!("the credentials provider failed: {why}"));
        }
        self.changed.notify_waiters();
    }
}

impl State {
    /// Whether the caller is to ask now.
    fn begin_asking(&mut self) -> bool {
        if self.is_asking || self.not_before.is_some_and(|moment| Moment::now() < moment) {
            return false;
        }
        self.is_asking = true;
        true
    }
}

fn none(failure: Option<Cause>) -> Error {
    let text = match &failure {
        Some(why) => format!("no credentials: the provider failed: {why}"),
        None => "no credentials: the provider has given none yet".to_owned(),
    };
    Error::new(ErrorCode::AccessDenied, text).with_shared_source(failure).worth_a_retry()
}

fn unanswered() -> Error {
    let text = "no credentials: the provider has not answered in time";
    Error::new(ErrorCode::AccessDenied, text).worth_a_retry()
}

/// When credentials are to be renewed that come now.
fn renewal(credentials: &Credentials) -> Option<Moment> {
    let left = credentials.expires()?.duration_since(SystemTime::now()).unwrap_or_default();
    Moment::now().checked_add(left.mul_f64(USED).max(PAUSE))
}
