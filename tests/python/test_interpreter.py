"""The interpreter that hosts the package: its end, a second one, its lock."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import textwrap
from pathlib import Path

import pytest

import rmq
from rmq.testing import MockCluster

from conftest import Program

INSIDE = """
    import threading, time
    import rmq, rmq.aio
    producer = rmq.Producer("group", test_mock_brokers=1)
    producer.send("topic", b"x")
    inside = threading.Event()
    def in_daemon(call):
        threading.Thread(target=call, daemon=True).start()
    def stay(*_):
        inside.set()
        while True:
            time.sleep(0.001)
"""

# What a daemon thread is in the middle of when the interpreter ends.
IN_DAEMON_THREADS = {
    "a selector": """
    in_daemon(lambda: producer.send("topic", b"x", selector=stay))
    inside.wait()
""",
    "a hook before": """
    other = rmq.Producer("other", test_mock_brokers=1, before_send=stay)
    in_daemon(lambda: other.send("topic", b"x"))
    inside.wait()
""",
    "a hook after": """
    other = rmq.Producer("other", test_mock_brokers=1, after_send=stay)
    in_daemon(lambda: other.send_many([rmq.Message("topic", b"x")]))
    inside.wait()
""",
    "messages that are made": """
    def messages():
        yield rmq.Message("topic", b"x")
        stay()
    in_daemon(lambda: producer.send_many(messages()))
    inside.wait()
""",
    "a mapping of settings": """
    class Settings(dict):
        def items(self):
            return stay()
    in_daemon(lambda: rmq.Producer("other", config=Settings()))
    inside.wait()
""",
    "a condition": """
    from rmq.testing import MockCluster
    cluster = MockCluster()
    in_daemon(lambda: cluster.wait_until(stay, 60))
    inside.wait()
""",
    "errors without end": """
    failed = 0
    def fail():
        global failed
        while True:
            try:
                producer.send("topic", b"", tags="a b")
            except rmq.Error:
                failed += 1
    for _ in range(4):
        in_daemon(fail)
    while failed < 1000:
        time.sleep(0.001)
""",
    "an event loop": """
    import asyncio
    sent = 0
    async def main():
        global sent
        async with rmq.aio.Producer("other", test_mock_brokers=1, after_send=lambda *_: None) as other:
            while True:
                await asyncio.gather(*(other.send("topic", bytes(5000)) for _ in range(100)))
                sent += 100
    in_daemon(lambda: asyncio.run(main()))
    while sent < 300:
        time.sleep(0.001)
""",
}


@pytest.mark.parametrize("what", IN_DAEMON_THREADS)
def test_the_interpreter_ends_while_a_daemon_thread_is_inside(what: str) -> None:
    program = textwrap.dedent(f"{INSIDE}{IN_DAEMON_THREADS[what]}    print('end', flush=True)\n")
    command = [sys.executable, "-X", "faulthandler", "-c", program]
    left = 20
    while left:
        at_once = min(left, 4)
        left -= at_once
        running = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(at_once)
        ]
        try:
            for process in running:
                out, err = process.communicate(timeout=60)
                assert (process.returncode, out, err) == (0, "end\n", "")
        finally:
            for process in running:
                process.kill()
                process.wait()


def test_a_thread_that_ends_itself_ends(run_program: Program) -> None:
    """Only the end of the interpreter parks threads."""
    result = run_program(
        """
        import ctypes, threading
        import rmq
        producer = rmq.Producer("group", test_mock_brokers=1)
        libc = ctypes.PyDLL(None)
        def run():
            producer.send("topic", b"x")
        for _ in range(50):
            thread = threading.Thread(target=run)
            thread.start()
            thread.join(20)
            assert not thread.is_alive()
        print("good")
        """
    )
    assert (result.returncode, result.stdout) == (0, "good\n"), result.stderr


EMBEDDED = r"""
#include <Python.h>

static int run(const char *program) {
    return PyRun_SimpleString(program);
}

static const char *use =
    "import rmq\n"
    "with rmq.Producer('group', test_mock_brokers=1) as producer:\n"
    "    assert producer.send('topic', b'x').status is rmq.SendStatus.SEND_OK\n"
    "    try:\n"
    "        producer.send('topic', b'')\n"
    "    except rmq.MessageIllegalError:\n"
    "        print('works', flush=True)\n";

static const char *refused =
    "try:\n"
    "    import rmq\n"
    "except ImportError as error:\n"
    "    print(error, flush=True)\n";

/* The host goes on without an interpreter until its input ends. */
static int finalize_and_go_on(const char *program) {
    Py_Initialize();
    if (run(program) || Py_FinalizeEx()) return 1;
    puts("finalized");
    fflush(stdout);
    return getchar() == EOF ? 0 : 2;
}

int main(int count, char **arguments) {
    if (count == 3) return finalize_and_go_on(arguments[2]);
    Py_Initialize();
    if (run(use)) return 1;
    if (count == 1) {
        PyThreadState *first = PyThreadState_Get();
        PyThreadState *second = Py_NewInterpreter();
        if (!second || run(refused)) return 2;
        Py_EndInterpreter(second);
        PyThreadState_Swap(first);
        if (run(use)) return 3;
    } else {
        if (Py_FinalizeEx()) return 4;
        Py_Initialize();
        if (run(refused) || run(refused)) return 5;
    }
    return Py_FinalizeEx() ? 6 : 0;
}
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A C program that hosts interpreters."""
    folder = tmp_path_factory.mktemp("host")
    (folder / "host.c").write_text(EMBEDDED)
    library = sysconfig.get_config_var("LIBDIR")
    version = sysconfig.get_config_var("LDVERSION")
    command = ["cc", "-Wall", "-Werror", "-o", "host", "host.c", "-I", sysconfig.get_paths()["include"]]
    command += ["-L", library, f"-Wl,-rpath,{library}", "-rdynamic", f"-lpython{version}"]
    command += [*sysconfig.get_config_var("LIBS").split(), *sysconfig.get_config_var("SYSLIBS").split()]
    subprocess.run(command, cwd=folder, check=True, timeout=120)
    return folder / "host"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param([], ["works", "refused", "works"], id="a second interpreter"),
        pytest.param(["again"], ["works", "refused", "refused"], id="after Py_Finalize"),
    ],
)
def test_another_interpreter_is_refused(host: Path, arguments: list[str], expected: list[str]) -> None:
    package = str(Path(rmq.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": package, "PYTHONHOME": sys.base_prefix}
    result = subprocess.run(
        [str(host), *arguments], capture_output=True, text=True, timeout=60, env=environment
    )
    lines = result.stdout.splitlines()
    told = ["refused" if "one interpreter of a process" in line else line for line in lines]
    assert (result.returncode, told) == (0, expected), result.stderr
    assert all("single-interpreter" in line for line in lines if line != "works")


@pytest.mark.parametrize(
    ("kept", "is_left"),
    [
        pytest.param("", False, id="collected"),
        pytest.param("ctypes.pythonapi.Py_IncRef(ctypes.py_object(producer))", True, id="not collected"),
    ],
)
def test_a_host_goes_on_after_py_finalize(host: Path, cluster: MockCluster, kept: str, is_left: bool) -> None:
    """A producer ends when it is collected; one that is not stays as it is, and harms nobody."""
    program = f"""
import ctypes, logging, rmq
logging.getLogger("rmq").setLevel(logging.DEBUG)
producer = rmq.Producer("group", {cluster.name_server!r}, heartbeat_interval_ms=100, batch_auto="off")
producer.send("topic", b"x")
{kept}
"""
    process = start_host(host, "finalize", program)
    with process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == "finalized\n"
        if is_left:
            heartbeats = cluster.request_count(34)
            assert cluster.wait_until(lambda: cluster.request_count(34) > heartbeats + 2, 20)
        assert cluster.wait_until(lambda: bool(cluster.registrations()) == is_left, 20)
        process.stdin.close()
        assert process.wait(20) == 0


def start_host(host: Path, *arguments: str) -> subprocess.Popen[str]:
    package = str(Path(rmq.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": package, "PYTHONHOME": sys.base_prefix}
    pipe = subprocess.PIPE
    return subprocess.Popen([str(host), *arguments], stdin=pipe, stdout=pipe, text=True, env=environment)


def test_the_package_can_be_imported_again(run_program: Program) -> None:
    """As happens when a test restores `sys.modules`."""
    result = run_program(
        """
        import sys, rmq
        former = rmq.Producer("former", test_mock_brokers=1)
        for name in [name for name in sys.modules if name.partition(".")[0] == "rmq"]:
            del sys.modules[name]
        first, rmq = rmq, None
        import rmq
        assert rmq is not first and rmq.Error is not first.Error
        with rmq.Producer("group", test_mock_brokers=1) as producer:
            for each in (producer, former):
                assert each.send("topic", b"x").status is rmq.SendStatus.SEND_OK
                try:
                    each.send("topic", b"")
                except rmq.MessageIllegalError as error:
                    assert error.code is rmq.ErrorCode.MESSAGE_ILLEGAL
        print("good")
        """
    )
    assert (result.returncode, result.stdout) == (0, "good\n"), result.stderr


def test_a_module_that_is_still_imported_is_waited_for(run_program: Program) -> None:
    """As when one thread imports the package again while another one needs it."""
    result = run_program(
        """
        import importlib.abc, importlib.machinery, sys, threading
        import rmq
        producer = rmq.Producer("group", test_mock_brokers=1)
        receipt = producer.send("topic", b"x")
        begun, go_on = threading.Event(), threading.Event()
        class Slow(importlib.abc.MetaPathFinder):
            def find_spec(self, name, path, target=None):
                if name not in ("rmq._errors", "rmq._enums", "rmq._log"):
                    return None
                spec = importlib.machinery.PathFinder.find_spec(name, path)
                execute = spec.loader.exec_module
                def exec_module(module):
                    begun.set()
                    assert go_on.wait(20)
                    execute(module)
                spec.loader.exec_module = exec_module
                return spec
        sys.meta_path.insert(0, Slow())

        def refused():
            try:
                producer.send("topic", b"")
            except Exception as error:
                return type(error).__name__
        uses = {
            "rmq._errors": (refused, "MessageIllegalError"),
            "rmq._enums": (lambda: receipt.status.name, "SEND_OK"),
            "rmq._log": (lambda: rmq.Producer("other", test_mock_brokers=1).group, "other"),
        }
        for name, (use, expected) in uses.items():
            begun.clear(), go_on.clear()
            del sys.modules[name]
            importing = threading.Thread(target=__import__, args=(name,))
            importing.start()
            assert begun.wait(20)
            seen = []
            def run():
                try:
                    seen.append(use())
                except BaseException as error:
                    seen.append(repr(error))
            using = threading.Thread(target=run)
            using.start()
            using.join(0.2)
            assert not seen, (name, seen)
            go_on.set()
            importing.join(20), using.join(20)
            assert seen == [expected], (name, seen)
        print("good")
        """
    )
    assert (result.returncode, result.stdout) == (0, "good\n"), result.stderr


def test_a_module_that_may_not_be_imported_is_named(run_program: Program) -> None:
    result = run_program(
        """
        import sys, rmq
        producer = rmq.Producer("group", test_mock_brokers=1)
        sys.modules["rmq._errors"] = None
        try:
            producer.send("topic", b"")
        except RuntimeError as error:
            assert isinstance(error.__cause__, ImportError) and "rmq._errors" in str(error.__cause__), error.__cause__
            print("good")
        """
    )
    assert (result.returncode, result.stdout) == (0, "good\n"), result.stderr


def test_an_interpreter_without_its_lock_is_refused(run_program: Program) -> None:
    """As if it were a free-threaded one with PYTHON_GIL=0."""
    result = run_program(
        """
        import sys
        sys._is_gil_enabled = lambda: False
        try:
            import rmq
        except ImportError as error:
            print(error)
        """
    )
    assert result.returncode == 0 and "PYTHON_GIL=0" in result.stdout, result.stderr
