"""``python -m bench.tus_sender ENDPOINT FOLDER AT_ONCE``: httpx as a plain tus client, a peer of our agent's.

Small files travel with their creation, large ones by one streamed PATCH; no resuming, no checksums.
"""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2

WHOLE = 8 * 1024 * 1024
PIECE = 1024 * 1024
TUS = {"Tus-Resumable": "1.0.0"}
BODY = {"Content-Type": "application/offset+octet-stream"}


def send_folder(endpoint: str, folder: Path, at_once: int) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    with httpx2.Client(headers=TUS, timeout=120) as client, ThreadPoolExecutor(at_once) as threads:
        for _ in threads.map(lambda path: send(client, endpoint, path), files):
            pass


def send(client: httpx2.Client, endpoint: str, path: Path) -> None:
    size = path.stat().st_size
    length = {"Upload-Length": str(size)}
    if size <= WHOLE:
        client.post(endpoint, headers=length | BODY, content=path.read_bytes()).raise_for_status()
        return
    created = client.post(endpoint, headers=length)
    created.raise_for_status()
    headers = BODY | {"Upload-Offset": "0", "Content-Length": str(size)}
    client.patch(created.headers["Location"], headers=headers, content=pieces(path)).raise_for_status()


def pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


if __name__ == "__main__":
    send_folder(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
