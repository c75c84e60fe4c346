//! What every kind of event descriptor must do.

use super::*;

fn is_readable(event: &EventFd) -> bool {
    let mut poll = libc::pollfd { fd: event.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one valid entry, and no time to wait.
    let ready = unsafe { libc::poll(&mut poll, 1, 0) };
    assert!(ready >= 0, "poll failed");
    ready == 1 && poll.revents & libc::POLLIN != 0
}

#[test]
fn it_is_readable_from_signal_to_clear() {
    let event = EventFd::new().unwrap();
    assert!(!is_readable(&event));
    event.clear();
    assert!(!is_readable(&event), "clearing what is clear must neither block nor signal");
    for _ in 0..3 {
        event.signal();
        event.signal();
        assert!(is_readable(&event));
        event.clear();
        assert!(!is_readable(&event));
    }
}

#[test]
fn many_signals_never_block_and_one_clear_ends_them() {
    let event = EventFd::new().unwrap();
    for _ in 0..100_000 {
        event.signal();
    }
    event.clear();
    assert!(!is_readable(&event));
}

#[test]
fn it_is_closed_on_exec() {
    let event = EventFd::new().unwrap();
    // SAFETY: reads the flags of an open descriptor.
    let flags = unsafe { libc::fcntl(event.as_fd().as_raw_fd(), libc::F_GETFD) };
    assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
}
