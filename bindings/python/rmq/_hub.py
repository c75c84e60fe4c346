"""Waits that let other greenlets run, where the program patched the standard library with gevent or eventlet.

A thread is a greenlet then, and a wait that the hub does not know of stops all of them. Neither library is imported
here: only what is loaded and has patched something is asked.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

Wait = Callable[[int, "float | None", bool], None]
"""Returns when the descriptor is readable or the seconds are over; -1 is no descriptor. A wait in the background does not
keep the hub going by itself."""

_READ = 1


def current() -> Wait | None:
    """How the running greenlet waits; `None` where threads are threads, in a thread without a hub, whose wait stops no
    other greenlet, and in the hub itself, which cannot wait."""
    if _has_patched("gevent.monkey", "is_module_patched", "threading"):
        gevent: Any = sys.modules["gevent"]
        hub = _gevent_hub()
        return None if hub is None or gevent.getcurrent() is hub else _wait_with_gevent
    if _has_patched("eventlet.patcher", "is_monkey_patched", "thread"):
        hub = _eventlet_hub()
        greenlet: Any = sys.modules["greenlet"]
        return None if hub is None or greenlet.getcurrent() is hub.greenlet else _wait_with_eventlet
    return None


def _has_patched(module: str, question: str, threads: str) -> bool:
    # Another thread may be importing the module, which has only some of its names then.
    is_patched: Any = getattr(sys.modules.get(module), question, None)
    return is_patched is not None and bool(is_patched(threads) or is_patched("socket"))


# Neither library has a public function that tells whether a thread has a hub, and the public one makes a hub, with its
# descriptors, for every thread that asks. Theirs is asked by its private name; where it is gone, the public one.


def _gevent_hub() -> Any:
    if_exists = getattr(sys.modules.get("gevent._hub_local"), "get_hub_if_exists", None)
    gevent: Any = sys.modules["gevent"]
    return gevent.get_hub() if if_exists is None else if_exists()


def _eventlet_hub() -> Any:
    hubs: Any = sys.modules["eventlet.hubs"]
    of_thread = getattr(hubs, "_threadlocal", None)
    return hubs.get_hub() if of_thread is None else getattr(of_thread, "hub", None)


def _wait_with_gevent(descriptor: int, timeout: float | None, in_background: bool) -> None:
    gevent: Any = sys.modules["gevent"]
    if descriptor < 0:
        gevent.sleep(timeout)
        return
    hub = gevent.get_hub()
    # A thread that is none of the hub's greenlets has nothing else to keep its own hub going.
    is_thread = gevent.getcurrent().parent is None
    watcher = hub.loop.io(descriptor, _READ, ref=is_thread or not in_background)
    try:
        with gevent.Timeout(timeout, False):
            hub.wait(watcher)
    finally:
        watcher.close()


def _wait_with_eventlet(descriptor: int, timeout: float | None, in_background: bool) -> None:
    eventlet: Any = sys.modules["eventlet"]
    hubs: Any = sys.modules["eventlet.hubs"]
    if descriptor < 0:
        eventlet.sleep(timeout)
        return
    with eventlet.Timeout(timeout, False):
        hubs.trampoline(descriptor, read=True)
