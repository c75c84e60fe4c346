"""The type hints: complete, true to the module, and strict enough for users."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import rmq

from conftest import REPOSITORY


def run_tool(*arguments: str, folder: Path) -> None:
    environment = {**os.environ, "MYPY_CACHE_DIR": os.devnull}
    command = [sys.executable, "-m", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=folder, env=environment)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_package_is_marked_as_typed() -> None:
    assert (Path(rmq.__file__).parent / "py.typed").is_file()


def test_the_stubs_say_what_the_module_has(tmp_path: Path) -> None:
    run_tool("mypy.stubtest", "rmq", folder=tmp_path)


def test_the_package_and_the_examples_pass_strict_mypy(tmp_path: Path) -> None:
    run_tool("mypy", "--strict", "-p", "rmq", folder=tmp_path)
    for example in sorted((REPOSITORY / "examples" / "python").glob("*.py")):
        run_tool("mypy", "--strict", str(example), folder=tmp_path)
