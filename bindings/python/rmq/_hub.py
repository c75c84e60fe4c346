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
    """How the running greenlet waits; `None` where threads are threads, and in the hub itself, which cannot wait."""
    monkey: Any = sys.modules.get("gevent.monkey")
    if monkey is not None and (monkey.is_module_patched("threading") or monkey.is_module_patched("socket")):
        gevent: Any = sys.modules["gevent"]
        return None if gevent.getcurrent() is gevent.get_hub() else _wait_with_gevent
    patcher: Any = sys.modules.get("eventlet.patcher")
    if patcher is not None and (patcher.is_monkey_patched("thread") or patcher.is_monkey_patched("socket")):
        hubs: Any = sys.modules["eventlet.hubs"]
        greenlet: Any = sys.modules["greenlet"]
        return None if greenlet.getcurrent() is hubs.get_hub().greenlet else _wait_with_eventlet
    return None


def _wait_with_gevent(descriptor: int, timeout: float | None, in_background: bool) -> None:
    gevent: Any = sys.modules["gevent"]
    if descriptor < 0:
        gevent.sleep(timeout)
        return
    hub = gevent.get_hub()
    watcher = hub.loop.io(descriptor, _READ, ref=not in_background)
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
