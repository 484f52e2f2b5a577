"""Real servers to push to, on loopback: SFTP and WebDAV by rclone, S3 by SeaweedFS."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from checks.ports import free_port
from peers.rclone import RCLONE
from peers.servers import Server, serving
from portal.stores.declared import S3Settings

USER, PASSWORD = "rita", "a secret nobody prints"


@contextmanager
def served(protocol: str, folder: Path) -> Iterator[Server]:
    """`sftp` or `webdav` over `folder`."""
    port = free_port()
    who = ["--user", USER, "--pass", PASSWORD, "--config", "/dev/null"]
    command: list[str | Path] = [RCLONE, "serve", protocol, folder, "--addr", f"127.0.0.1:{port}", *who]
    with serving(command, port=port, url=f"http://127.0.0.1:{port}", folder=folder) as server:
        yield server


def sftp_fields(server: Server) -> dict[str, str]:
    port = str(urlsplit(server.url).port)
    return {"name": "Archive", "host": "127.0.0.1", "port": port, "user": USER, "password": PASSWORD, "folder": "in"}


def webdav_fields(server: Server) -> dict[str, str]:
    return {
        "name": "Archive",
        "url": server.url,
        "vendor": "other",
        "user": USER,
        "password": PASSWORD,
        "folder": "in",
    }


def s3_fields(bucket: S3Settings) -> dict[str, str]:
    return {
        "name": "Archive",
        "endpoint": bucket.endpoint,
        "region": "us-east-1",
        "bucket": bucket.bucket,
        "folder": bucket.prefix + "in",
        "access_key": bucket.access_key,
        "secret_key": bucket.secret_key.get_secret_value(),
    }


def webdav_options(server: Server) -> dict[str, str]:
    return {"url": server.url, "vendor": "other", "user": USER, "folder": "in"}


def below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
