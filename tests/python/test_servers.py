"""The programs of the manual's page "In your server", in the servers that it names."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rmq.testing import Fault, MockCluster

from conftest import REPOSITORY, SEND

BIN = Path(sys.executable).parent
PAGE = (REPOSITORY / "docs" / "in-your-server.md").read_text()


@pytest.fixture
def folder(tmp_path: Path, cluster: MockCluster) -> Path:
    """The page's programs, with the address of the mock cluster."""
    for name, text in re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE, re.DOTALL):
        text = text.replace("127.0.0.1:9876", cluster.name_server)
        text = text.replace('broker="redis://127.0.0.1"', 'broker="filesystem://"')
        (tmp_path / name).write_text(text)
    return tmp_path


def test_each_program_of_the_page_has_its_test(folder: Path) -> None:
    programs = {"producer.py", "flask_app.py", "django_app.py", "fastapi_app.py", "tasks.py", "cell.py"}
    assert {program.name for program in folder.iterdir()} == programs
    assert PAGE.count("```python\n") == len(programs)


@contextlib.contextmanager
def running(command: list[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    log = folder / "server.log"
    # Some write into the home folder.
    environment = {**os.environ, "HOME": str(folder), "PYTHONPATH": str(folder), "PYTHONWARNINGS": "ignore"}
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=out, stderr=out, text=True, start_new_session=True
        )
    try:
        yield process
        assert process.poll() is None, log.read_text()
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        assert not re.search("Traceback|Segmentation|Fatal|SIGSEGV|SIGABRT|SIGKILL", log.read_text()), log.read_text()
    except BaseException:
        print(log.read_text())
        raise
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def post(port: int, number: int) -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/orders/{number}", method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(json.load(answer)["id"])


def wait_for_server(process: subprocess.Popen[str], port: int) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError("the server does not listen")


COMMANDS = [line for line in PAGE.splitlines() if re.match(r"(gunicorn|uwsgi) ", line)]


def served(command: str, port: int) -> list[str]:
    """A command of the page, on a port of the test's."""
    program, *arguments = command.replace("127.0.0.1:8000", f"127.0.0.1:{port}").split()
    return [str(BIN / program), *(["--bind", f"127.0.0.1:{port}"] if program == "gunicorn" else []), *arguments]


def check_server(cluster: MockCluster, command: list[str], port: int, folder: Path) -> None:
    with running(command, folder) as process:
        wait_for_server(process, port)
        with ThreadPoolExecutor(8) as clients:
            ids = list(clients.map(lambda number: post(port, number), range(40)))
        assert len(set(ids)) == 40
    assert cluster.stored_count("OrderPaid") == 40


@pytest.mark.parametrize("application", ["flask_app", "django_app"])
@pytest.mark.parametrize("command", COMMANDS)
def test_wsgi_servers(cluster: MockCluster, folder: Path, command: str, application: str) -> None:
    port = free_port()
    check_server(cluster, served(command.replace("flask_app", application), port), port, folder)


def test_a_worker_of_gevent_serves_others_while_one_waits(cluster: MockCluster, folder: Path) -> None:
    port = free_port()
    command = served("gunicorn --workers 1 --worker-class gevent flask_app:app", port)
    with running(command, folder) as process:
        wait_for_server(process, port)
        post(port, 0)
        rule = cluster.inject(Fault.hold(), request_code=SEND)
        with ThreadPoolExecutor(1) as client:
            answer = client.submit(post, port, 1)
            assert cluster.wait_until(lambda: cluster.request_count(SEND) == 2, 60)
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/nothing", timeout=60)
            assert not answer.done()
            cluster.remove_fault(rule)
            assert answer.result()


def test_uvicorn(cluster: MockCluster, folder: Path) -> None:
    port = free_port()
    command = [str(BIN / "uvicorn"), "--port", str(port), "fastapi_app:app"]
    check_server(cluster, command, port, folder)


@pytest.mark.parametrize("pool", ["prefork", "threads", "gevent", "eventlet"])
def test_celery(cluster: MockCluster, folder: Path, pool: str) -> None:
    with (folder / "tasks.py").open("a") as tasks:
        tasks.write(
            f"""
for name in ("messages", "processed"):
    __import__("os").makedirs(name, exist_ok=True)
app.conf.broker_transport_options = {{
    "data_folder_in": "messages", "data_folder_out": "messages", "control_folder": "processed"
}}
"""
        )
    worker = [str(BIN / "celery"), "--app", "tasks", "worker", "--pool", pool, "--concurrency", "2"]
    with running([*worker, "--without-gossip", "--without-mingle"], folder):
        environment = {**os.environ, "PYTHONPATH": str(folder)}
        ask = "import tasks\nfor number in range(20): tasks.pay.delay(str(number))"
        subprocess.run([sys.executable, "-c", ask], cwd=folder, env=environment, check=True, timeout=60)
        assert cluster.wait_until(lambda: cluster.stored_count("OrderPaid") == 20, 60)


def test_jupyter(cluster: MockCluster, folder: Path) -> None:
    notebook = {
        "cells": [
            {"cell_type": "code", "id": str(number), "metadata": {}, "outputs": [], "execution_count": None, "source": source}
            for number, source in enumerate(
                [
                    (folder / "producer.py").read_text() + "\nproducer.send('OrderPaid', b'41').status",
                    (folder / "cell.py").read_text(),
                    "await producer.close()",
                ]
            )
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (folder / "notebook.ipynb").write_text(json.dumps(notebook))
    run = (
        "import nbformat, nbclient; notebook = nbformat.read('notebook.ipynb', 4); "
        "nbclient.NotebookClient(notebook, timeout=60, kernel_name='python3').execute(); "
        "print([cell.outputs[0].data['text/plain'] for cell in notebook.cells[:2]])"
    )
    environment = {**os.environ, "IPYTHONDIR": str(folder), "JUPYTER_RUNTIME_DIR": str(folder)}
    result = subprocess.run(
        [sys.executable, "-c", run], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0 and result.stdout.count("SEND_OK") == 2, result.stdout + result.stderr
    assert cluster.stored_count("OrderPaid") == 2
