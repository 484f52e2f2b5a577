"""Several programs run as one: started in order, stopped in reverse, none left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

STOP_SECONDS = 20.0
POLL_SECONDS = 0.1


class StartFailed(Exception):
    """A program ended or stayed silent before it was ready; the message says which and where its log is."""


@dataclass
class ProgramGroup:
    """Programs that live and die together.

    Each runs in a session of its own, so Ctrl-C reaches this process alone and the order of stopping is ours. When this
    process is killed, ``deploy/sentinel.py`` ends them. Output goes to ``<log_folder>/<name>.log`` or, without a
    folder, to standard output with the program's name in front.
    """

    env: Mapping[str, str]
    cwd: Path
    log_folder: Path | None = None
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    sentinel: "subprocess.Popen[bytes] | None" = None
    relays: list[threading.Thread] = field(default_factory=list)

    def start(self, name: str, command: list[str]) -> None:
        """Starts ``command``; raises StartFailed when there is no such program."""
        self.sentinel = self.sentinel or _start_sentinel()
        try:
            self.running[name] = self._spawn(name, command)
        except FileNotFoundError as error:
            raise StartFailed(f"{name}: there is no program {error.filename}; run `make setup`.") from None
        _say(self.sentinel, str(self.running[name].pid))

    def wait_until(self, name: str, ready: Callable[[], bool], seconds: float) -> None:
        """Returns once ``ready()``; raises StartFailed when a program ends or ``seconds`` pass before."""
        deadline = time.monotonic() + seconds
        while not ready():
            if ended := self.first_ended():
                raise StartFailed(f"{ended} ended while {name} was starting. {self._where_to_look(ended)}")
            if time.monotonic() > deadline:
                raise StartFailed(f"{name} was not ready after {seconds:.0f} s. {self._where_to_look(name)}")
            time.sleep(POLL_SECONDS)

    def first_ended(self) -> str | None:
        """Name of a program that is no longer running, None while all are."""
        return next((name for name, process in self.running.items() if process.poll() is not None), None)

    def stop(self) -> None:
        """Ends all programs, last started first, each asked kindly and killed after STOP_SECONDS.

        What they said last has been passed on by then: a thread that still prints while this program ends can make it
        end by SIGABRT. A stranger who inherited a program's output is waited for only so long.
        """
        for process in reversed(self.running.values()):
            _stop(process)
        self.running.clear()
        for relay in self.relays:
            relay.join(STOP_SECONDS)
        self.relays.clear()
        if self.sentinel:
            _say(self.sentinel, "done")
            self.sentinel.communicate()
            self.sentinel = None

    def _spawn(self, name: str, command: list[str]) -> "subprocess.Popen[bytes]":
        if self.log_folder:
            self.log_folder.mkdir(parents=True, exist_ok=True)
            with (self.log_folder / f"{name}.log").open("ab") as log:
                return self._popen(command, log.fileno())
        process = self._popen(command, subprocess.PIPE)
        relay = threading.Thread(target=_relay, args=(name, process), daemon=True)
        relay.start()
        self.relays.append(relay)
        return process

    def _popen(self, command: list[str], output: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            command,
            env=self.env,
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _where_to_look(self, name: str) -> str:
        return f"See {self.log_folder / name}.log." if self.log_folder else "Its last lines stand above."


def _start_sentinel() -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-I", str(Path(__file__).with_name("sentinel.py"))]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)


def _say(sentinel: "subprocess.Popen[bytes]", word: str) -> None:
    if sentinel.stdin is None or sentinel.poll() is not None:
        return  # somebody killed it: then there is none, and the programs still stop with us
    sentinel.stdin.write(word.encode() + b"\n")
    sentinel.stdin.flush()


def _relay(name: str, process: "subprocess.Popen[bytes]") -> None:
    if process.stdout is None:
        return
    with process.stdout as lines:
        for line in lines:
            sys.stdout.write(f"{name:<7}| {line.decode(errors='replace').rstrip()}\n")
            sys.stdout.flush()


def _stop(process: "subprocess.Popen[bytes]") -> None:
    _signal(process, signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        _signal(process, signal.SIGKILL)
        process.wait()
    _kill_session(process.pid)


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(number)


def _kill_session(leader: int) -> None:
    """Ends what a killed program left in its session, such as the pool of a worker."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return  # nothing was left
