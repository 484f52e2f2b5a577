"""``python -m peers.send_by_tuspy ENDPOINT TOKEN FILE NAME KNOWN [STOP_AT]``: one file by tuspy, with checksums.

KNOWN is a file in which tuspy remembers uploads. Prints the offset it began at.
"""

import sys

from tusclient.client import TusClient
from tusclient.storage.filestorage import FileStorage

PIECE = 5 * 1024 * 1024


def send(endpoint: str, token: str, file: str, name: str, known: str, stop_at: str | None = None) -> None:
    client = TusClient(endpoint, headers={"Authorization": f"Bearer {token}"})
    uploader = client.uploader(
        file,
        chunk_size=PIECE,
        metadata={"path": name},
        upload_checksum=True,
        store_url=True,
        url_storage=FileStorage(known),  # type: ignore[no-untyped-call]
    )
    print(uploader.offset)
    uploader.upload(stop_at=int(stop_at) if stop_at else None)


if __name__ == "__main__":
    send(*sys.argv[1:])
