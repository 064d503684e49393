"""Programs in processes of their own: each side of a measurement is one, told what to do line by line.

`Child` starts `python -m bench.programs.<name>` with its parameters as JSON; the program calls `serve` with a
function for each command. Both talk JSON lines over the program's standard input and output; its log is a file.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, TextIO

import psutil

from .machine import ROOT, Machine, cpu_seconds

#: seconds that a command may take if nothing else is said
PATIENCE = 300.0
Handler = Callable[..., Mapping[str, Any] | None]


class ChildFailed(RuntimeError):
    """A program ended or did not answer; its log says why."""


class Child:
    """A program that runs until closed. Ready to be asked when made."""

    def __init__(
        self, machine: Machine, program: str, parameters: Mapping[str, Any], env: Mapping[str, str] | None = None
    ):
        self._log = machine.logs / f"{program}.log"
        self._name = program
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", f"bench.programs.{program}", json.dumps(parameters)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                cwd=ROOT,
                env={**os.environ, **(env or {})},
            )
        self._rest = b""
        self.process = psutil.Process(self._process.pid)
        try:
            self.answer(60)
        except ChildFailed:
            self.close()
            raise

    def ask(self, command: str, *, patience: float = PATIENCE, **fields: Any) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        self.tell(command, **fields)
        return self.answer(patience)

    def tell(self, command: str, **fields: Any) -> None:
        """Send a command; `answer` takes its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": command, **fields}).encode() + b"\n")

    def answer(self, patience: float = PATIENCE) -> dict[str, Any]:
        """The next answer. Raises ChildFailed."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + patience
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self._process.stdout], [], [], max(0, left))
            more = self._process.stdout.read(65536) if ready else b""
            if not more:
                raise ChildFailed(f"{self._name} {self._end() if ready else 'does not answer'}; see {self._log}")
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def _end(self) -> str:
        try:
            return f"ended with status {self._process.wait(2)}"
        except subprocess.TimeoutExpired:
            return "says no more"

    @property
    def cpu(self) -> float:
        """Seconds of processor time that it has used."""
        return cpu_seconds(self.process)

    def close(self) -> None:
        """End it: the end of its input first, then harder."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        for harder in (lambda: None, self._process.terminate, self._process.kill):
            harder()
            try:
                self._process.wait(8)
                return
            except subprocess.TimeoutExpired:
                continue

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


# --- the other end -----------------------------------------------------------------------------------

_answers: TextIO = sys.stdout


def parameters() -> dict[str, Any]:
    """What the program was started with. From now on its standard output is its log, but for answers."""
    global _answers
    _answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    found: dict[str, Any] = json.loads(sys.argv[1])
    return found


def say(**fields: Any) -> None:
    """Answer."""
    _answers.write(json.dumps(fields) + "\n")
    _answers.flush()


def serve(handlers: Mapping[str, Handler], wait: Callable[[], Any] = lambda: None) -> None:
    """Say that all is ready, then carry out commands until the input ends.

    `wait` is called before each read: a green process lets its other threads run there until there is something.
    """
    say(ready=True)
    rest = b""
    while True:
        wait()
        more = os.read(0, 65536)
        if not more:
            return
        *lines, rest = (rest + more).split(b"\n")
        for line in lines:
            command = json.loads(line)
            say(**(handlers[command.pop("do")](**command) or {}))


def green_wait() -> None:
    """`wait` of a program that runs on eventlet."""
    from eventlet.hubs import trampoline

    trampoline(0, read=True)
