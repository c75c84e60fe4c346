"""Log lines of the native core, handed to `logging.getLogger("rmq")`.

Threads of the core never enter the interpreter. They leave lines in a queue; a Python thread, started with the
first producer, fetches them. It ends before the interpreter does, so that no line is lost and nothing hangs. Where
threads are greenlets it is one of them.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sys
import threading

# Loaded here for the native module: it must not be half imported when the thread for log lines first asks it.
from . import _hub as _hub
from ._rmq import LogQueue, host_ends

logger = logging.getLogger("rmq")

_LEVELS = {1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO, 4: logging.DEBUG}
_END_TIMEOUT = 1.0

_lock = threading.Lock()
_queue = LogQueue()
_thread: threading.Thread | None = None


def level() -> str:
    """The value of the key `log.level` that fits the logger's level now."""
    if logger.isEnabledFor(logging.DEBUG):
        return "debug"
    if logger.isEnabledFor(logging.INFO):
        return "info"
    if logger.isEnabledFor(logging.WARNING):
        return "warn"
    return "error" if logger.isEnabledFor(logging.ERROR) else "off"


def queue() -> LogQueue:
    """The queue; starts the thread behind it if this process has none."""
    global _thread
    with _lock:
        # One without an identity is being started.
        if _thread is not None and (_thread.ident is None or _thread.is_alive()):
            return _queue
        thread = _thread = threading.Thread(target=_deliver, name="rmq-log", daemon=True)
    # Without the lock: greenlets take turns while one starts. If there is none, as when the interpreter is about to end,
    # the lines stay in the queue until a later producer starts one.
    try:
        thread.start()
    except RuntimeError:
        with _lock:
            if _thread is thread:
                _thread = None
    return _queue


def _deliver() -> None:
    while (lines := _queue.take()) is not None:
        for number, target, text in lines:
            try:
                logger.log(_LEVELS[number], "%s: %s", target, text)
            except Exception:
                # A filter of the user raised; the lines after this one must still arrive.
                _report()


def hook_raised(name: str, error: BaseException) -> None:
    """Tells of an exception that ends here; called by the native module."""
    logger.error("%s raised and is ignored", name, exc_info=error)


def _report() -> None:
    """Tells of the exception being handled as if it had ended the thread."""
    kind, error, traceback = sys.exc_info()
    if kind is None:
        return
    try:
        threading.excepthook(threading.ExceptHookArgs((kind, error, traceback, threading.current_thread())))
    except Exception:
        # Nobody is left to tell if this hook raises too.
        with contextlib.suppress(Exception):
            sys.excepthook(*sys.exc_info())


def _end() -> None:
    thread = _thread
    if thread is not None and thread.ident is not None:
        _queue.stop()
        thread.join(_END_TIMEOUT)


def _forget() -> None:
    """The thread is the parent's."""
    global _lock, _thread
    _lock = threading.Lock()
    _thread = None


# What runs last: from then on, threads that come back to the interpreter are not to unwind native code.
atexit.register(host_ends)
atexit.register(_end)
os.register_at_fork(after_in_child=_forget)
