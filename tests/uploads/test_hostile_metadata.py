"""Bad input over tus never gives a 5xx, leaves the root folder, or leaves a row behind."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.models import DataFile, Dataset
from uploads.models import Upload

HOSTILE_PATHS = [
    "../../etc/passwd", "/etc/passwd", "C:\\Windows\\x", "c:/x", "a/../../b", "a\x00b", "a\r\nSet-Cookie: x",
    "x" * 300, "/".join(["d" * 200] * 6), "\u202egpj.exe", "NUL", "com1.txt", "a/", "a//b", ".", "..", "name.",
    "a\\..\\b", "\x1b[31m", " ", "a\u2028b",
]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_hostile_paths_are_refused_with_a_sentence(ada: Any, dataset: Dataset, path: str) -> None:
    answer = ada.create(5, b"01234", dataset=dataset, path=path)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["message"].isprintable()
    assert DataFile.objects.count() == Upload.objects.count() == 0


@pytest.mark.parametrize(
    "metadata",
    [
        {"path": b"\xff\xfe\x00"},
        {"sha256": "xyz"},
        {"sha256": "0" * 63},
        {"sha256": b"\xff" * 64},
        {"mtime_ns": "yesterday"},
        {"mtime_ns": "1e9"},
        {"mtime_ns": "٣"},
        {"mtime_ns": "9" * 30},
        {"mtime_ns": str(2**63)},
        {"path": ""},
        {"path": None},
    ],
)
def test_metadata_that_makes_no_sense_is_422(ada: Any, dataset: Dataset, metadata: dict[str, Any]) -> None:
    answer = ada.create(5, b"01234", **{"dataset": dataset, "path": "a", **metadata})
    assert answer.status_code == 422, answer.content
    assert Upload.objects.count() == 0


@pytest.mark.parametrize("mtime_ns", ["0", "-1", "1795237704000000001", str(2**63 - 1)])
def test_modification_times_of_our_century_are_kept(ada: Any, dataset: Dataset, mtime_ns: str) -> None:
    assert ada.create(5, b"01234", dataset=dataset, path="a", mtime_ns=mtime_ns).status_code == 201
    assert DataFile.objects.get().mtime_ns == int(mtime_ns)


@pytest.mark.parametrize("dataset_id", ["x", "0" * 32, "00000000-0000-0000-0000-000000000000", "\x00", "' OR 1=1"])
def test_a_dataset_that_is_not_ones_own_is_a_4xx(ada: Any, dataset_id: str) -> None:
    answer = ada.tus("POST", Upload_Length=5, Upload_Metadata=f"dataset {encoded(dataset_id)},path YQ==")
    assert answer.status_code in (404, 422)
    assert Dataset.objects.count() == 0


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["POST", "HEAD", "PATCH", "DELETE", "GET", "PUT", "OPTIONS", "BREW"]),
    known=st.booleans(),
    headers=st.dictionaries(
        st.sampled_from(
            [
                "Upload-Length",
                "Upload-Offset",
                "Upload-Metadata",
                "Upload-Defer-Length",
                "Upload-Concat",
                "Upload-Checksum",
                "Content-Type",
                "X-HTTP-Method-Override",
                "Tus-Resumable",
                "Expect",
            ]
        ),
        st.one_of(
            st.sampled_from(
                ["0", "5", "-1", "1e3", "10", "1.0.0", "partial", "final;/tus/x", "PATCH", "a YQ==", "path"]
            ),
            st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30),
        ),
    ),
    body=st.binary(max_size=20),
)
def test_malformed_requests_never_give_a_5xx(
    ada: Any, dataset: Dataset, method: str, known: bool, headers: dict[str, str], body: bytes
) -> None:
    address = ada.start(10, dataset=dataset, path="known") if known else "/tus/"
    answer = ada.client.generic(
        method,
        address,
        body,
        content_type=headers.pop("Content-Type", "application/offset+octet-stream"),
        headers={"Tus-Resumable": "1.0.0"} | headers,
    )
    assert answer.status_code < 500, (answer.status_code, answer.content)
    assert answer["Tus-Resumable"] == "1.0.0"
    for upload in Upload.objects.all():
        assert upload.length is None or upload.offset <= upload.length


def test_nothing_was_written_outside_the_two_folders(ada: Any, dataset: Dataset, tmp_path: Path) -> None:
    for path in HOSTILE_PATHS:
        ada.create(5, b"01234", dataset=dataset, path=path)
    ada.create(5, b"01234", dataset=dataset, path="fine")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["files", "staging"]


def test_a_file_larger_than_the_limit_is_413(ada: Any, dataset: Dataset, settings: Any) -> None:
    settings.MAX_FILE_BYTES = 100
    answer = ada.create(101, dataset=dataset)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert ada.client.options("/tus/")["Tus-Max-Size"] == "100"


def test_a_file_larger_than_the_room_is_507(ada: Any, dataset: Dataset) -> None:
    answer = ada.create(10**18 // 10**5, dataset=dataset)
    assert (answer.status_code, answer.json()["code"]) == (507, "no_room")
    assert DataFile.objects.count() == 0


def test_room_is_kept_for_what_unfinished_uploads_may_still_bring(
    ada: Any, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dataplane.localstore.LocalStore.free_bytes", lambda self: 101)
    assert ada.create(60, dataset=dataset, path="a").status_code == 201
    assert ada.create(60, dataset=dataset, path="b").status_code == 507
    assert ada.create(40, dataset=dataset, path="b").status_code == 201


def test_the_projects_quota_is_reserved_when_files_are_announced(ada: Any, dataset: Dataset) -> None:
    type(dataset.project).objects.update(quota_bytes=100)
    assert ada.announce(dataset, {"path": "a", "size": 60}).status_code == 200
    refused = ada.announce(dataset, {"path": "b", "size": 41})
    assert (refused.status_code, refused.json()["code"]) == (507, "no_room")
    assert ada.create(41, dataset=dataset, path="b").status_code == 507
    assert ada.create(60, b"x" * 60, dataset=dataset, path="a").status_code == 201
    assert ada.create(40, b"x" * 40, dataset=dataset, path="b").status_code == 201
