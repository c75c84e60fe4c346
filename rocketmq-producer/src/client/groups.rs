//! The producers of a client instance, by their groups. Brokers know groups: they hear of them in heartbeats, and what they
//! ask a client may name one.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use rocketmq_protocol::record::Record;

use crate::remoting::Channel;
use crate::sync::Mutex;

/// A producer as brokers reach it. Called on the I/O thread, which must not wait, and without a lock.
pub(crate) trait GroupMember: Send + Sync {
    /// A broker asks what became of the transaction of this half message (protocol 7.3). There is no reply in kind.
    fn transaction_check(&self, channel: &Arc<Channel>, half: &Record<'_>);
}

/// Groups by their names at the brokers. A group is taken before its producer is there.
#[derive(Default)]
pub(super) struct Groups(Mutex<BTreeMap<String, Option<Weak<dyn GroupMember>>>>);

impl Groups {
    /// Takes the group; `false`: another producer has it.
    pub(super) fn take(&self, group: &str) -> bool {
        let mut groups = self.0.lock();
        let is_free = !groups.contains_key(group);
        if is_free {
            groups.insert(group.to_owned(), None);
        }
        is_free
    }

    /// Requests that name the group, which was taken, reach this producer from now on.
    pub(super) fn attach(&self, group: &str, member: Weak<dyn GroupMember>) {
        if let Some(place) = self.0.lock().get_mut(group) {
            *place = Some(member);
        }
    }

    /// The group is free.
    pub(super) fn free(&self, group: &str) {
        self.0.lock().remove(group);
    }

    pub(super) fn is_taken(&self, group: &str) -> bool {
        self.0.lock().contains_key(group)
    }

    /// The producer of the group, while there is one.
    pub(super) fn member(&self, group: &str) -> Option<Arc<dyn GroupMember>> {
        self.0.lock().get(group)?.as_ref()?.upgrade()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.0.lock().keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Member;

    impl GroupMember for Member {
        fn transaction_check(&self, _: &Arc<Channel>, _: &Record<'_>) {}
    }

    #[test]
    fn a_group_has_one_producer_at_a_time() {
        let (groups, member) = (Groups::default(), Arc::new(Member));
        let weak: Weak<dyn GroupMember> = Arc::downgrade(&member) as _;
        groups.attach("a", Weak::clone(&weak));
        assert!(groups.member("a").is_none(), "nobody has taken it");
        assert!(groups.take("a") && !groups.take("a") && groups.take("b"));
        assert!(groups.member("a").is_none(), "its producer is not there yet");
        groups.attach("a", weak);
        assert!(groups.member("a").is_some() && groups.member("b").is_none());
        assert_eq!(groups.names(), ["a", "b"]);
        drop(member);
        assert!(groups.member("a").is_none(), "its producer is gone");
        groups.free("a");
        assert!(groups.take("a"));
    }
}
