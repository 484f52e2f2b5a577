"""The real server in processes of its own, so that it can be killed, starved and raced; and a wire to it."""

import http.client
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from checks.ports import free_port

CHECKOUT = Path(__file__).resolve().parents[2]
CONFIGURATION = CHECKOUT / "deploy" / "gunicorn_conf.py"
START_WITHIN = 90  # seconds; one has it in two, on a machine with nothing else to do
NO_BROKER = "redis://127.0.0.1:1/0"
OFFSET_TYPE = "application/offset+octet-stream"

FACILITY = """
from portal.models import Instrument, Project, User
from uploads.models import UploadToken, new_token, token_digest
project = Project.objects.create(code="em", name="Electron microscopy", contact_email="em@facility.example")
alice = User.objects.create_user("alice@facility.example")
instrument = Instrument.objects.create(project=project, name="Krios 2", slug="krios-2")
secret = new_token()
UploadToken.objects.create(
    project=project, instrument=instrument, label="Ada", digest=token_digest(secret), created_by=alice
)
print(secret)
"""


@dataclass
class Facility:
    """A migrated database with one project and one token, to be copied for each test."""

    database: Path
    secret: str


def make_facility(folder: Path, **settings: object) -> Facility:
    environment = environment_of(folder, **settings)
    manage(environment, "migrate", "--verbosity", "0")
    secret = manage(environment, "shell", "--no-imports", "--command", FACILITY).strip().splitlines()[-1]
    return Facility(folder / "db.sqlite3", secret)


def environment_of(var: Path, **settings: object) -> dict[str, str]:
    """Of a portal whose run-time folder is `var` and whose broker and cache are down."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("LABCOURIER_")}
    chosen = {
        "VAR": var,
        "BROKER_URL": NO_BROKER,
        "CACHE_URL": NO_BROKER,
        "MIN_FREE_BYTES": 0,
        "WEB_PROCESSES": 1,
        **settings,
    }
    return inherited | {f"LABCOURIER_{key.upper()}": str(value) for key, value in chosen.items()}


def manage(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@dataclass
class LivePortal:
    """One gunicorn with the portal's own configuration. Several may share a run-time folder."""

    var: Path
    secret: str
    configuration: Path = CONFIGURATION
    settings: dict[str, object] = field(default_factory=dict)
    port: int = 0
    _process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        self.port = self.port or free_port()
        address = f"127.0.0.1:{self.port}"
        environment = environment_of(self.var, **{"bind": address, "url": f"http://{address}", **self.settings})
        command = [sys.executable, "-m", "gunicorn", "--config", str(self.configuration), "portal.wsgi"]
        log = (self.var / f"web-{self.port}.log").open("ab")
        self._process = subprocess.Popen(
            command, cwd=CHECKOUT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        self._wait_until_it_answers()

    @property
    def pid(self) -> int:
        """Of the master."""
        assert self._process
        return self._process.pid

    def kill(self) -> None:
        """Master and workers, as a power switch would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._end(signal.SIGKILL)

    def manage(self, *arguments: str) -> str:
        return manage(environment_of(self.var, **self.settings), *arguments)

    def query(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """From the server's database, past the server."""
        with closing(sqlite3.connect(self.var / "db.sqlite3", timeout=20)) as database:
            return database.execute(sql, values).fetchall()

    def log(self) -> str:
        return (self.var / f"web-{self.port}.log").read_text(errors="replace")

    def _end(self, number: int) -> None:
        assert self._process
        os.killpg(self._process.pid, number)
        self._process.wait()
        self._process = None

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_WITHIN
        while time.monotonic() < deadline:
            assert self._process
            assert self._process.poll() is None, self.log()[-3000:]
            try:
                with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
                    connection.request("GET", "/healthz")
                    if connection.getresponse().status == 200:
                        return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self.log()[-3000:])


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def offset(self) -> int:
        return int(self.headers["upload-offset"])


class Wire:
    """tus requests of one PC, one connection each."""

    def __init__(self, portal: LivePortal, timeout: float = 60) -> None:
        self.portal = portal
        self._timeout = timeout

    def __call__(self, method: str, path: str = "/tus/", body: bytes = b"", **headers: object) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.portal.port, timeout=self._timeout)
        with closing(connection):
            with suppress(BrokenPipeError, ConnectionResetError):  # refused before all was sent: the answer is there
                connection.request(method, path, body or None, self.headers(body, **headers))
            return read_answer(connection.getresponse())

    def headers(self, body: bytes = b"", **headers: object) -> dict[str, str]:
        sent = {"Authorization": f"Bearer {self.portal.secret}", "Tus-Resumable": "1.0.0"}
        if body:
            sent["Content-Type"] = OFFSET_TYPE
        return sent | {name.replace("_", "-"): str(value) for name, value in headers.items()}

    def create(self, length: int, path: str, body: bytes = b"", **metadata: str) -> Answer:
        values = {"path": path, **metadata}
        header = ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in values.items())
        return self("POST", body=body, Upload_Length=length, Upload_Metadata=header)

    def start(self, length: int, path: str, **metadata: str) -> str:
        """The path of a new upload on the server."""
        answer = self.create(length, path, b"", **metadata)
        assert answer.status == 201, answer
        return "/tus/" + answer.headers["location"].rsplit("/", 1)[1]

    def patch(self, upload: str, offset: int, body: bytes) -> Answer:
        return self("PATCH", upload, body, Upload_Offset=offset)

    def head(self, upload: str) -> Answer:
        return self("HEAD", upload)

    @contextmanager
    def open_patch(self, upload: str, offset: int, length: int, **headers: object) -> Iterator[socket.socket]:
        """A connection that has announced a PATCH and sent nothing of its body yet."""
        with socket.create_connection(("127.0.0.1", self.portal.port), timeout=self._timeout) as line:
            sent = self.headers(b"x", Upload_Offset=offset, Content_Length=length, Host="127.0.0.1", **headers)
            head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
            line.sendall(f"PATCH {upload} HTTP/1.1\r\n{head}\r\n".encode())
            yield line


def read_answer(response: http.client.HTTPResponse) -> Answer:
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


def status_of(line: socket.socket) -> int:
    """Of the next answer on a raw line; 0 when it was closed without one."""
    data = b""
    while b"\r\n" not in data:
        try:
            piece = line.recv(4096)
        except ConnectionError:
            return 0
        if not piece:
            return 0
        data += piece
    return int(data.split(b" ", 2)[1])


def copy_facility(facility: Facility, var: Path) -> None:
    var.mkdir(parents=True, exist_ok=True)
    shutil.copy(facility.database, var / "db.sqlite3")
