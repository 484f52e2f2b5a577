"""A real S3 server on loopback: SeaweedFS from its wheel, in memory's speed and gone afterwards."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from checks.ports import free_port
from dataplane.errors import StoreTrouble
from portal.stores.declared import S3Settings
from portal.stores.s3 import S3Store

ACCESS, SECRET = "labcourier", "a-secret-for-tests"
_WEED = Path(sys.executable).with_name("weed")
_PORTS = ("master", "volume", "filer", "s3", "admin")


@contextmanager
def object_store() -> Iterator[S3Settings]:
    """The settings of an empty bucket. Up in two seconds."""
    folder = Path(tempfile.mkdtemp(prefix="seaweed-"))
    ports = [free_port() for _ in range(2 * len(_PORTS))]
    told = {f"{name}.port": ports[at] for at, name in enumerate(_PORTS)}
    told |= {f"{name}.port.grpc": ports[at + len(_PORTS)] for at, name in enumerate(_PORTS)}
    fixed = {"ip": "127.0.0.1", "ip.bind": "127.0.0.1", "master.telemetry": "false", "admin.ui": "false"}
    fixed |= {"webdav": "false", "s3.port.iceberg": "0", "s3.port.lance": "0", "dir": str(folder), "bucket": "data"}
    fixed |= {f"{part}.localSocket": str(folder / f"{part}.sock") for part in ("filer", "s3")}
    command = [str(_WEED), "mini", *(f"-{name}={value}" for name, value in {**fixed, **told}.items())]
    keys = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET}
    log = folder / "log"
    with log.open("w") as out:
        server = subprocess.Popen(command, env=os.environ | keys, stdout=out, stderr=subprocess.STDOUT)
    try:
        settings = bucket_settings(f"http://127.0.0.1:{told['s3.port']}")
        _await(settings, server, log)
        yield settings
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def bucket_settings(endpoint: str) -> S3Settings:
    """A part of the bucket that nobody else uses."""
    return S3Settings.model_validate(
        {
            "kind": "s3",
            "bucket": "data",
            "endpoint": endpoint,
            "prefix": f"{token_hex(4)}/",
            "access_key": ACCESS,
            "secret_key": SECRET,
        }
    )


def _await(settings: S3Settings, server: "subprocess.Popen[bytes]", log: Path) -> None:
    give_up = time.monotonic() + 90
    while True:
        try:
            S3Store("tests", settings).prepare()
        except StoreTrouble:
            if server.poll() is not None or time.monotonic() > give_up:
                raise AssertionError(log.read_text()[-3000:]) from None
            time.sleep(0.1)
        else:
            return
