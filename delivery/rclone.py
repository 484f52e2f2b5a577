"""The program that writes to other storage. It is told of remotes by its environment alone: nothing of it stands on a
command line or in a file, and other environment variables of ours do not reach it.

Exit codes: https://rclone.org/docs/#exit-code
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).with_name("rclone")
QUICK = ("--contimeout", "10s", "--timeout", "20s", "--retries", "1", "--low-level-retries", "2")
OUT_OF_TIME = 10
_PERMANENT = (2, 7)  # wrong usage, fatal
_PASSED_ON = ("PATH", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR")

Stats = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Remote:
    """`options` as in a section of rclone's configuration, `type` among them; `path` below it. `hosts` it speaks to."""

    options: Mapping[str, str]
    path: str = ""
    hosts: tuple[str, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def below(self, name: str) -> "Remote":
        return Remote(self.options, f"{self.path.rstrip('/')}/{name}" if self.path else name, self.hosts, self.secrets)


class RcloneFailed(Exception):
    """Its text is what rclone said last, without secrets."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code

    @property
    def is_permanent(self) -> bool:
        return self.code in _PERMANENT


def obscured(password: str) -> str:
    """A password as rclone's configuration has it: not encrypted, just not readable at a glance."""
    done = subprocess.run(
        [PROGRAM, "obscure", "-"], input=password.encode(), capture_output=True, check=True, timeout=20
    )
    return done.stdout.decode().strip()


def run(*arguments: str, remotes: Mapping[str, Remote], given: bytes = b"", config: str = os.devnull) -> bytes:
    """What it writes to its output. For what takes seconds. Raises RcloneFailed."""
    with _environment(remotes) as environment:
        try:
            done = subprocess.run(
                [PROGRAM, *arguments, *QUICK, "--use-json-log", "--config", config],
                input=given,
                capture_output=True,
                env=environment,
                check=False,
                timeout=90,
            )
        except subprocess.TimeoutExpired as error:
            raise RcloneFailed("It did not answer within a minute and a half.", 1) from error
    if done.returncode:
        raise RcloneFailed(_said(done.stderr.decode(errors="replace").splitlines(), remotes), done.returncode)
    return done.stdout


def watch(*arguments: str, remotes: Mapping[str, Remote], tell: Callable[[Stats], None]) -> None:
    """For what takes long: `tell` hears its figures every two seconds, and may raise, which ends it.

    Should this process be killed, rclone writes its next figures to nobody and ends. Raises RcloneFailed.
    """
    command: list[str | Path] = [PROGRAM, *arguments, "--use-json-log", "--stats", "2s", "--stats-log-level", "NOTICE"]
    with _environment(remotes) as environment:
        process = subprocess.Popen(
            [*command, "--config", os.devnull],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
            errors="replace",
        )
        try:
            last = _listen(process, tell)
        finally:
            process.kill()
            process.communicate()
    if process.returncode:
        raise RcloneFailed(_said(last, remotes), process.returncode)


def _listen(process: "subprocess.Popen[str]", tell: Callable[[Stats], None]) -> list[str]:
    """The last lines that were no figures."""
    last: list[str] = []
    for line in process.stderr or ():
        told = _parsed(line)
        if "stats" in told:
            tell(told["stats"])
        else:
            last = [*last[-20:], line]
    process.wait()
    return last


@contextmanager
def _environment(remotes: Mapping[str, Remote]) -> Iterator[dict[str, str]]:
    """A home of its own, so that no configuration or key of the portal's account is used."""
    said = {
        f"RCLONE_CONFIG_{name.upper()}_{option.upper()}": value
        for name, remote in remotes.items()
        for option, value in remote.options.items()
    }
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    with tempfile.TemporaryDirectory(prefix="rclone-") as home:
        yield {**kept, "HOME": home, "XDG_CACHE_HOME": home, **said}


def _said(lines: list[str], remotes: Mapping[str, Remote]) -> str:
    parsed = [_parsed(line) for line in lines]
    errors = [said["msg"] for said in parsed if said.get("level") in ("error", "critical") and "msg" in said]
    text = re.sub(r"\s+", " ", str((errors or [" ".join(lines)])[-1])).strip()
    for secret in (secret for remote in remotes.values() for secret in remote.secrets):
        text = text.replace(secret, "…")
    return text[:280] or "It ended without saying why."


def _parsed(line: str) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
