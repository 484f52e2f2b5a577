"""Sends a large file to S3 in parts, a few at a time, each with its SHA-256 for the store to check."""

import hashlib
from base64 import b64encode
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from dataplane.checksums import Reader
from dataplane.errors import SourceCut
from dataplane.store import Progress

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

MIB = 2**20
WHOLE = 16 * MIB  # up to here a file is one request
_MOST_PARTS = 9000  # S3 takes 10 000
_IN_FLIGHT = 96 * MIB  # memory of one file under way, unless a single part has more
_AT_ONCE = 4


def checksum(data: bytes) -> str:
    """SHA-256 as S3 wants it."""
    return b64encode(hashlib.sha256(data).digest()).decode()


def read_whole(source: Reader, size: int) -> bytes:
    """Raises SourceCut."""
    data, done = bytearray(size), 0
    while done < size:
        count = source.readinto(memoryview(data)[done:])
        if not count:
            raise SourceCut(f"What was to be stored ended {size - done} bytes early. Look at where it comes from.")
        done += count
    return bytes(data)


def part_size(size: int) -> int:
    return max(WHOLE, -(-size // _MOST_PARTS))


class Parts:
    """The parts of one multipart upload that exists already."""

    def __init__(self, client: "S3Client", bucket: str, key: str, upload_id: str) -> None:
        self._client, self._bucket, self._key, self._upload_id = client, bucket, key, upload_id

    def send(self, source: Reader, size: int, progress: Progress) -> "list[CompletedPartTypeDef]":
        """All parts, in order. Raises SourceCut and what boto3 does."""
        step = part_size(size)
        waiting: deque[Future[CompletedPartTypeDef]] = deque()
        sent: list[CompletedPartTypeDef] = []
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            try:
                for number, start in enumerate(range(0, size, step), start=1):
                    if len(waiting) >= max(1, _IN_FLIGHT // step):
                        sent.append(waiting.popleft().result())
                        progress(len(sent) * step)
                    data = read_whole(source, min(step, size - start))
                    waiting.append(pool.submit(self._send_part, number, data))
                while waiting:
                    sent.append(waiting.popleft().result())
                    progress(min(size, len(sent) * step))
            finally:
                for future in waiting:
                    future.cancel()
        return sent

    def _send_part(self, number: int, data: bytes) -> "CompletedPartTypeDef":
        stated = checksum(data)
        answer = self._client.upload_part(
            Bucket=self._bucket,
            Key=self._key,
            UploadId=self._upload_id,
            PartNumber=number,
            Body=data,
            ChecksumSHA256=stated,
        )
        return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": stated}
