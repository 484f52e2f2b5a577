"""Verified files as objects of an S3 bucket: `<prefix><project>/<dataset>/<path>`, no more needed to read them.

The store is given the SHA-256 of what it is sent and refuses what it does not get whole. An object is written on the
condition that nobody else wrote it since we looked, so that a writer who comes late never replaces what is newer.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from io import BufferedReader
from typing import TYPE_CHECKING, TypedDict

import boto3
from botocore.config import Config

from dataplane.checksums import Reader
from dataplane.errors import NotStored, PathRefused
from dataplane.store import Placement, Progress, unheeded
from portal.stores.declared import S3Settings
from portal.stores.s3_parts import WHOLE, Parts, checksum, read_whole
from portal.stores.s3_reader import Body, ObjectReader
from portal.stores.s3_trouble import told

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_BUFFER = 128 * 1024
_COPIES_AT_ONCE = 8


class _Condition(TypedDict, total=False):
    IfMatch: str
    IfNoneMatch: str


class S3Store:
    far = True

    def __init__(self, name: str, settings: S3Settings) -> None:
        self._name, self._bucket, self._prefix = name, settings.bucket, settings.prefix
        self._conditional, self._longest_key = settings.conditional_writes, settings.longest_key
        self._client = _client(settings)

    def prepare(self) -> None:
        with told(self._name, ""):
            self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1)

    def open(self, key: str, start: int = 0, stop: int | None = None) -> BufferedReader:
        """As `Store.open`: one GET, and another one for each line that breaks."""
        name = self._object(key)
        etag = ""

        def fetch(position: int) -> Body:
            nonlocal etag
            wanted = {"Range": _range(position, stop)} if position or stop else {}
            same = {"IfMatch": etag} if etag else {}
            with told(self._name, key):
                answer = self._client.get_object(Bucket=self._bucket, Key=name, **wanted, **same)  # type: ignore[arg-type]
            etag = answer["ETag"]
            return answer["Body"]

        if start and start >= self.size(key):  # S3 refuses a range of nothing
            return BufferedReader(ObjectReader(self._name, _Nothing(), start, fetch), _BUFFER)
        return BufferedReader(ObjectReader(self._name, fetch(start), start, fetch), _BUFFER)

    def size(self, key: str) -> int:
        with told(self._name, key):
            return self._client.head_object(Bucket=self._bucket, Key=self._object(key))["ContentLength"]

    def put(self, key: str, source: Reader, size: int, progress: Progress = unheeded) -> None:
        name = self._object(key)
        condition = self._unchanged(key)
        with told(self._name, key):
            if size > WHOLE:
                self._put_parts(name, source, size, progress, condition)
                return
            data = read_whole(source, size)
            self._client.put_object(
                Bucket=self._bucket, Key=name, Body=data, ChecksumSHA256=checksum(data), **condition
            )
            progress(size)

    def copy(self, source: str, target: str) -> None:
        """As `Store.copy`, inside the store. Beyond 5 GiB it copies in parts."""
        name = self._object(target)
        with told(self._name, source):
            self._client.copy({"Bucket": self._bucket, "Key": self._object(source)}, self._bucket, name)

    def delete(self, key: str) -> None:
        with told(self._name, key):
            self._client.delete_object(Bucket=self._bucket, Key=self._object(key))

    def set_aside(self, placements: Iterable[Placement]) -> list[str]:
        with ThreadPoolExecutor(_COPIES_AT_ONCE) as pool:
            return [source for source in pool.map(self._copy_aside, placements) if source]

    def keys(self, folder: str) -> list[str]:
        below = self._object(folder) + "/"
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=below)
        with told(self._name, folder):
            names = [found["Key"] for page in pages for found in page.get("Contents", [])]
        return sorted(f"{folder}/{name.removeprefix(below)}" for name in names)

    def remove_unfinished(self, before: datetime) -> list[str]:
        """As `Store.remove_unfinished`: multipart uploads that nobody ends cost money and are seen nowhere."""
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=self._prefix)
        removed = []
        with told(self._name, ""):
            for upload in (upload for page in pages for upload in page.get("Uploads", [])):
                if upload["Initiated"] < before:
                    self._abort(upload["Key"], upload["UploadId"])
                    removed.append(upload["Key"])
        return removed

    def _object(self, key: str) -> str:
        """Names that begin with a dot are hidden by some stores; no project begins with an underscore."""
        parts = key.split("/")
        if any(part in ("", ".", "..") or "\0" in part for part in parts) or len(key.encode()) > self._longest_key:
            raise PathRefused(
                f"{key[:120]!a} is no key of the store “{self._name}”. Use a relative path of at most "
                f"{self._longest_key} bytes."
            )
        return self._prefix + (f"_{key[1:]}" if key.startswith(".") else key)

    def _unchanged(self, key: str) -> _Condition:
        """The condition under which what lies at a key now may be replaced."""
        if not self._conditional:
            return {}
        try:
            with told(self._name, key):
                return {"IfMatch": self._client.head_object(Bucket=self._bucket, Key=self._object(key))["ETag"]}
        except NotStored:
            return {"IfNoneMatch": "*"}

    def _put_parts(self, name: str, source: Reader, size: int, progress: Progress, condition: _Condition) -> None:
        upload = self._client.create_multipart_upload(Bucket=self._bucket, Key=name, ChecksumAlgorithm="SHA256")
        upload_id = upload["UploadId"]
        try:
            parts = Parts(self._client, self._bucket, name, upload_id).send(source, size, progress)
            self._client.complete_multipart_upload(
                Bucket=self._bucket, Key=name, UploadId=upload_id, MultipartUpload={"Parts": parts}, **condition
            )
        except BaseException:
            self._abort(name, upload_id)
            raise

    def _abort(self, name: str, upload_id: str) -> None:
        try:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=name, UploadId=upload_id)
        except self._client.exceptions.NoSuchUpload:
            return

    def _copy_aside(self, placement: Placement) -> str:
        """The source's key when it is gone, else nothing. Beyond 5 GiB the store copies in parts."""
        source, target = self._object(placement.source), self._object(placement.target)
        with told(self._name, placement.target):
            if self._exists(target):
                return ""
        try:
            with told(self._name, placement.source):
                self._client.copy({"Bucket": self._bucket, "Key": source}, self._bucket, target)
        except NotStored:
            return placement.source
        return ""

    def _exists(self, name: str) -> bool:
        try:
            self._client.head_object(Bucket=self._bucket, Key=name)
        except self._client.exceptions.ClientError as error:
            if error.response.get("Error", {}).get("Code") == "404":
                return False
            raise
        return True


class _Nothing:
    def readinto(self, buffer: memoryview, /) -> int:
        return 0

    def close(self) -> None:
        pass


def _range(start: int, stop: int | None) -> str:
    return f"bytes={start}-{'' if stop is None else max(start, stop - 1)}"


def _client(settings: S3Settings) -> "S3Client":
    """Checksums only where we give them: many stores that are not Amazon's refuse those boto3 adds by itself."""
    config = Config(
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        retries={"mode": "standard", "max_attempts": 5},
        connect_timeout=10,
        read_timeout=60,
        max_pool_connections=64,
        s3={"addressing_style": "path" if settings.path_style else "virtual"},
    )
    return boto3.session.Session().client(
        "s3",
        endpoint_url=settings.endpoint or None,
        region_name=settings.region,
        aws_access_key_id=settings.access_key or None,
        aws_secret_access_key=settings.secret_key.get_secret_value() or None,
        config=config,
    )
