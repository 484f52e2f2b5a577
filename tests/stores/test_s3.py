"""What is S3's own: parts that nobody ends, broken lines, a store that is away, checksums on the way in."""

import hashlib
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from checks.ports import free_port
from dataplane.errors import DataplaneError, NotStored, StoreTrouble
from portal.stores import s3_parts
from portal.stores.declared import S3Settings
from portal.stores.s3 import S3Store
from portal.stores.s3_parts import checksum
from tests.interop.cutting_line import cutting_line

DATA = bytes(range(256)) * (40 * 2**20 // 256)
DAY = timedelta(days=1)


def through(settings: S3Settings, port: int) -> S3Store:
    return S3Store("objects", settings.model_copy(update={"endpoint": f"http://127.0.0.1:{port}"}))


def port_of(settings: S3Settings) -> int:
    port = urlsplit(settings.endpoint).port
    assert port is not None
    return port


def test_a_stream_goes_on_behind_a_broken_line(s3: S3Store, s3_settings: S3Settings) -> None:
    s3.put("em/set/a.tif", BytesIO(DATA), len(DATA))
    with cutting_line(port_of(s3_settings), [9_000_000, 5_000_000]) as line:
        with through(s3_settings, line.port).open("em/set/a.tif", 1000) as stream:
            assert hashlib.sha256(stream.read()).digest() == hashlib.sha256(DATA[1000:]).digest()
        assert line.cuts == 2


def test_a_stream_never_goes_on_with_another_version(s3: S3Store, s3_settings: S3Settings) -> None:
    s3.put("em/set/a.tif", BytesIO(DATA), len(DATA))
    with (
        cutting_line(port_of(s3_settings), [9_000_000]) as line,
        through(s3_settings, line.port).open("em/set/a.tif") as stream,
    ):
        stream.read(1000)
        s3.put("em/set/a.tif", BytesIO(DATA[::-1]), len(DATA))
        with pytest.raises(DataplaneError):
            stream.read()


def test_parts_that_a_broken_line_lost_are_sent_again(s3: S3Store, s3_settings: S3Settings) -> None:
    with cutting_line(port_of(s3_settings), [9_000_000, 5_000_000]) as line:
        through(s3_settings, line.port).put("em/set/a.tif", BytesIO(DATA), len(DATA))
        assert line.cuts == 2
    with s3.open("em/set/a.tif") as stream:
        assert stream.read() == DATA


def test_a_store_that_is_away_is_trouble_and_not_a_missing_file(s3_settings: S3Settings) -> None:
    away = through(s3_settings, free_port())
    for act in (away.size, away.open, away.delete, away.keys):
        with pytest.raises(StoreTrouble, match="does not answer"):
            act("em/set/a.tif")


def test_a_wrong_bucket_or_key_is_trouble_and_not_a_missing_file(s3_settings: S3Settings) -> None:
    for wrong in ({"bucket": "other"}, {"access_key": "stranger"}):
        store = S3Store("objects", s3_settings.model_copy(update=wrong))
        with pytest.raises(StoreTrouble, match="refuses"):
            store.open("em/set/a.tif")
        with pytest.raises(StoreTrouble, match="refuses"):
            store.prepare()


def test_the_store_is_told_the_checksums_and_refuses_other_bytes(s3: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = checksum(b"other")
    monkeypatch.setattr(s3_parts, "checksum", lambda data: wrong)
    with pytest.raises(StoreTrouble, match="BadDigest"):
        s3.put("em/set/large", BytesIO(DATA), len(DATA))
    assert s3.keys("em") == []


def test_the_checksum_of_a_small_file_stays_with_it(s3: S3Store, s3_settings: S3Settings) -> None:
    s3.put("em/set/a", BytesIO(b"12345"), 5)
    name = f"{s3_settings.prefix}em/set/a"
    answer = s3._client.head_object(Bucket="data", Key=name, ChecksumMode="ENABLED")
    assert b64decode(answer["ChecksumSHA256"]) == hashlib.sha256(b"12345").digest()


def test_parts_of_a_dead_writer_are_swept_once_they_are_old(s3: S3Store, s3_settings: S3Settings) -> None:
    name = f"{s3_settings.prefix}em/set/a.tif"
    upload = s3._client.create_multipart_upload(Bucket="data", Key=name)["UploadId"]
    s3._client.upload_part(Bucket="data", Key=name, UploadId=upload, PartNumber=1, Body=b"1")
    now = datetime.now(UTC)
    assert s3.remove_unfinished(now - DAY) == []
    assert s3.remove_unfinished(now + DAY) == [name]
    assert s3.remove_unfinished(now + DAY) == []
    with pytest.raises(ClientError, match="NoSuchUpload"):
        s3._client.upload_part(Bucket="data", Key=name, UploadId=upload, PartNumber=2, Body=b"2")


def test_a_store_without_conditional_writes_is_written_without(s3_settings: S3Settings) -> None:
    plain = S3Store("objects", s3_settings.model_copy(update={"conditional_writes": False}))
    sent: list[dict[str, Any]] = []
    plain._client.meta.events.register("before-call.s3.PutObject", lambda params, **_: sent.append(params["headers"]))
    plain.put("em/set/a", BytesIO(b"1"), 1)
    plain.put("em/set/a", BytesIO(b"2"), 1)
    assert not [headers for headers in sent if {"If-Match", "If-None-Match"} & set(headers)]
    with plain.open("em/set/a") as stream:
        assert stream.read() == b"2"


def test_a_file_of_any_size_fits_in_the_parts_that_s3_takes() -> None:
    for size in (s3_parts.WHOLE + 1, 5 * 2**40, 20 * 2**40):
        assert -(-size // s3_parts.part_size(size)) <= 10_000


def test_a_key_longer_than_s3_takes_is_refused_in_words(s3: S3Store) -> None:
    with pytest.raises(DataplaneError, match=r"at most 10[01][0-9] bytes"):
        s3.put("em/" + "x" * 250 + ("/" + "y" * 200) * 5, BytesIO(b""), 0)
    with pytest.raises(NotStored):
        s3.size("em/nothing")


def test_secrets_are_not_in_what_is_printed(s3_settings: S3Settings) -> None:
    assert "a-secret-for-tests" not in f"{s3_settings!r} {s3_settings}"
