"""Exact sizes, ranges, headers; and what is written down when a download breaks off or storage fails."""

import base64
import email
import hashlib
import io
import zipfile
from email.message import Message
from typing import Any
from urllib.parse import quote

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal import storage
from portal.models import AuditEvent, DataFile, Dataset
from sharing.models import Receipt, ShareLink
from tests.sharing.conftest import FILES, MakeDataset, MakeLink, Visitor, hang_up, store_file

pytestmark = pytest.mark.django_db
BIG = {"big.mrc": bytes(range(256)) * 4096}  # 1 MiB: eight pieces


@pytest.fixture
def big(make_dataset: MakeDataset, make_link: MakeLink) -> Visitor:
    return Visitor(make_link(make_dataset(BIG)))


def place_of(dataset: Dataset, path: str) -> Any:
    return storage.store().path(f"{storage.dataset_key(dataset)}/{path}")


def test_the_zip_has_the_promised_size_and_every_file(rita_s: Visitor) -> None:
    answer = rita_s.get_zip()
    assert answer.status_code == 200
    assert int(answer["Content-Length"]) == len(answer.body)
    with zipfile.ZipFile(io.BytesIO(answer.body)) as opened:
        assert opened.testzip() is None
        assert {path: opened.read(f"{rita_s.name}/{path}") for path in FILES} == FILES
        manifest = opened.read(f"{rita_s.name}/manifest-sha256.txt")
    assert manifest == rita_s.get("/manifest-sha256.txt").body


def test_the_manifest_lists_every_file_with_its_checksum(rita_s: Visitor) -> None:
    lines = rita_s.get("/manifest-sha256.txt").body.decode().splitlines()
    assert lines == [f"{hashlib.sha256(FILES[path]).hexdigest()}  {path}" for path in sorted(FILES)]


def test_head_tells_the_same_as_get_without_a_body(rita_s: Visitor) -> None:
    for below in (f"/{rita_s.name}.zip", "/files/notes.txt", "/manifest-sha256.txt"):
        head, get = rita_s.client.head(rita_s.address + below), rita_s.get(below)
        assert head.content == b""
        for name in ("Content-Length", "ETag", "Accept-Ranges", "Content-Type", "Content-Disposition"):
            assert head[name] == get[name]


def test_any_range_is_the_slice_of_the_whole(rita_s: Visitor) -> None:
    for below in (f"/{rita_s.name}.zip", "/files/Grid 1/tile 2.tif"):
        whole = rita_s.get(below).body
        for asked, expected in [
            ("bytes=0-", whole), ("bytes=100-1999", whole[100:2000]), ("bytes=-7", whole[-7:]),
            ("bytes=1-1", whole[1:2]), (f"bytes=10-{len(whole) * 2}", whole[10:]),
        ]:  # fmt: skip
            answer = rita_s.get(below, range=asked)
            assert (answer.status_code, answer.body) == (206, expected)
            start = whole.index(expected) if len(expected) > 7 else None
            assert int(answer["Content-Length"]) == len(expected)
            assert answer["Content-Range"].endswith(f"/{len(whole)}")
            assert start is None or answer["Content-Range"].startswith(f"bytes {start}-{start + len(expected) - 1}/")


def test_a_range_behind_the_end_is_416_with_the_size(rita_s: Visitor) -> None:
    answer = rita_s.get("/files/notes.txt", range="bytes=16-")
    assert answer.status_code == 416
    assert answer["Content-Range"] == "bytes */16"
    assert answer.body == b""
    assert not Receipt.objects.exists()


@pytest.mark.parametrize("asked", ["bytes=0-4,4-5", "lines=1-2", "bytes=9-2", "bytes=0-1,x", "nonsense"])
def test_what_is_no_range_or_overlaps_gets_everything(rita_s: Visitor, asked: str) -> None:
    answer = rita_s.get("/files/notes.txt", range=asked)
    assert (answer.status_code, answer.body) == (200, FILES["notes.txt"])


def test_several_ranges_are_sent_in_one_answer_each_announced_with_its_place(rita_s: Visitor) -> None:
    for below in (f"/{rita_s.name}.zip", "/files/Grid 1/tile 2.tif"):
        whole = rita_s.get(below).body
        answer = rita_s.get(below, range="bytes=4000-4099, 0-9,-5")
        assert answer.status_code == 206
        assert int(answer["Content-Length"]) == len(answer.body)
        assert "Content-Range" not in answer
        parsed: Any = email.message_from_bytes(f"Content-Type: {answer['Content-Type']}\r\n\r\n".encode() + answer.body)
        total = len(whole)
        assert [part["Content-Range"] for part in parsed.get_payload()] == [
            f"bytes 4000-4099/{total}", f"bytes 0-9/{total}", f"bytes {total - 5}-{total - 1}/{total}",
        ]  # fmt: skip
        boundary = b"--" + answer["Content-Type"].partition("boundary=")[2].encode()
        contents = [part.partition(b"\r\n\r\n")[2] for part in answer.body.split(b"\r\n" + boundary)[1:-1]]
        assert contents == [whole[4000:4100], whole[:10], whole[-5:]]


def test_several_ranges_of_which_one_is_left_are_a_single_range(rita_s: Visitor) -> None:
    answer = rita_s.get("/files/notes.txt", range="bytes=100-,3-5")
    assert (answer.status_code, answer.body, answer["Content-Range"]) == (206, b"en ", "bytes 3-5/16")


def test_several_ranges_count_as_exactly_their_bytes(rita_s: Visitor) -> None:
    rita_s.get("/files/Grid 1/tile 2.tif", range="bytes=0-99,4000-")
    receipt = Receipt.objects.get()
    assert (receipt.spans, receipt.bytes_sent, receipt.state) == ([[0, 100], [4000, 5000]], 1100, "partial")
    rita_s.get("/files/Grid 1/tile 2.tif", range="bytes=2000-3999,100-1999")
    receipt.refresh_from_db()
    assert (receipt.spans, receipt.state) == ([[0, 5000]], "complete")


def test_who_has_it_already_gets_304_and_nothing_is_counted(rita_s: Visitor) -> None:
    for below in (f"/{rita_s.name}.zip", "/files/notes.txt", "/manifest-sha256.txt"):
        tag = rita_s.client.head(rita_s.address + below)["ETag"]
        for asked in (tag, f'"other", W/{tag}', "*"):
            for ask in (rita_s.client.get, rita_s.client.head):
                answer = ask(rita_s.address + below, headers={"if-none-match": asked, "range": "bytes=3-"})
                assert (answer.status_code, answer["ETag"], answer.content) == (304, tag, b"")
        assert rita_s.get(below, if_none_match='"other"').status_code == 200
    assert Receipt.objects.count() == 3


def test_who_wants_other_bytes_than_these_gets_412(rita_s: Visitor) -> None:
    below = f"/{rita_s.name}.zip"
    tag = rita_s.client.head(rita_s.address + below)["ETag"]
    for other in ('"other"', f"W/{tag}"):
        answer = rita_s.get(below, if_match=other)
        assert (answer.status_code, answer.body) == (412, b"")
    assert rita_s.get(below, if_match=tag, range="bytes=0-9").status_code == 206


def test_a_file_names_its_digest_whichever_part_is_asked_for(rita_s: Visitor) -> None:
    digest = base64.b64encode(hashlib.sha256(FILES["notes.txt"]).digest()).decode()
    for headers in ({}, {"range": "bytes=3-5"}):
        answer = rita_s.get("/files/notes.txt", **headers)
        assert (answer["Repr-Digest"], answer["Digest"]) == (f"sha-256=:{digest}:", f"sha-256={digest}")


def test_if_range_gives_the_rest_of_the_same_and_the_whole_of_another(rita_s: Visitor) -> None:
    below = f"/{rita_s.name}.zip"
    whole = rita_s.get(below)
    same = rita_s.get(below, range="bytes=100-", if_range=whole["ETag"])
    assert (same.status_code, same.body) == (206, whole.body[100:])
    for other in ('"other"', f"W/{whole['ETag']}", "Sat, 21 Nov 2026 04:00:00 GMT"):
        answer = rita_s.get(below, range="bytes=100-", if_range=other)
        assert (answer.status_code, answer.body) == (200, whole.body)


def test_a_new_revision_has_another_etag(rita_s: Visitor) -> None:
    below, dataset = f"/{rita_s.name}.zip", rita_s.link.dataset
    before = rita_s.get(below)
    store_file(dataset, "late.txt", b"late").save()
    Dataset.objects.filter(pk=dataset.pk).update(revision=2)
    after = rita_s.get(below)
    assert after["ETag"] != before["ETag"]
    assert len(after.body) > len(before.body)


def test_an_empty_file_can_be_taken(rita_s: Visitor) -> None:
    answer = rita_s.get("/files/empty.dat")
    assert (answer.status_code, answer.body, answer["Content-Length"]) == (200, b"", "0")
    assert Receipt.objects.get().state == Receipt.State.COMPLETE


def test_a_zip_under_another_name_is_not_there(rita_s: Visitor) -> None:
    assert rita_s.get("/everything.zip").status_code == 404


def test_only_verified_files_are_offered(rita_s: Visitor) -> None:
    dataset = rita_s.link.dataset
    for state in (DataFile.State.EXPECTED, DataFile.State.RECEIVED, DataFile.State.SUPERSEDED):
        file = store_file(dataset, f"{state}.txt", b"not verified")
        file.state = state
        file.save()
        assert rita_s.get(f"/files/{state}.txt").status_code == 404
    assert rita_s.get("/files/%00").status_code == 404
    with zipfile.ZipFile(io.BytesIO(rita_s.get_zip().body)) as opened:
        assert len(opened.namelist()) == len(FILES) + 1


HOSTILE = [
    'quote".html', "semi;colon.svg", "<script>.html", "per%cent%00.txt", "%2e%2e.txt", "ünï 显微镜.tif", "a'b.js",
    "-rf", "hash#1?.txt", "x" * 240 + ".html", "plus+and&.csv", "=cmd().csv",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_attachments_under_their_own_name(
    make_dataset: MakeDataset, make_link: MakeLink, name: str
) -> None:
    visitor = Visitor(make_link(make_dataset({f"deep {name}/{name}": b"<script>alert(1)</script>"})))
    answer = visitor.get("/files/" + quote(f"deep {name}/{name}"))
    assert answer.status_code == 200
    message = Message()
    message["Content-Disposition"] = answer["Content-Disposition"]
    assert message.get_content_disposition() == "attachment"
    assert message.get_filename() == name
    assert "\n" not in answer["Content-Disposition"]
    page = visitor.get(f"?folder={quote('deep ' + name, safe='')}").body.decode()
    assert "<script>alert" not in page
    assert page.count("<script") == 1


def test_what_was_uploaded_is_never_rendered(make_dataset: MakeDataset, make_link: MakeLink) -> None:
    visitor = Visitor(make_link(make_dataset({"page.html": b"<script>alert(1)</script>"})))
    answer = visitor.get("/files/page.html")
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["Content-Disposition"] == 'attachment; filename="page.html"'


def test_link_addresses_are_told_to_nobody(rita_s: Visitor) -> None:
    for below in ("", f"/{rita_s.name}.zip", "/files/notes.txt", "/manifest-sha256.txt", "/files/nothing"):
        answer = rita_s.get(below)
        assert answer["Referrer-Policy"] == "same-origin"
        assert "no-store" in answer["Cache-Control"]
        assert "noindex" in answer["X-Robots-Tag"]


def test_a_client_that_leaves_is_recorded_with_what_it_got(big: Visitor) -> None:
    response: Any = big.client.get(f"{big.address}/files/big.mrc")
    assert Receipt.objects.count() == 0
    pieces = iter(response.streaming_content)
    got = len(next(pieces))
    receipt = Receipt.objects.get()
    assert (receipt.state, receipt.bytes_sent) == (Receipt.State.STARTED, 0)
    assert big.state() == ShareLink.State.STARTED
    got += len(next(pieces))
    next(pieces)  # was handed over, but nobody came back for more: it may not have arrived
    hang_up(response)
    receipt.refresh_from_db()
    assert (receipt.state, receipt.bytes_sent) == (Receipt.State.PARTIAL, got)
    event = AuditEvent.objects.get(kind="downloaded")
    assert (event.bytes, event.complete, event.subject) == (got, False, "big.mrc")


def test_a_client_that_left_goes_on_where_it_was(big: Visitor) -> None:
    response: Any = big.client.get(f"{big.address}/{big.name}.zip")
    pieces = iter(response.streaming_content)
    first = next(pieces)
    next(pieces)
    hang_up(response)
    rest = big.get_zip(range=f"bytes={len(first)}-", if_range=response["ETag"])
    assert rest.status_code == 206
    with zipfile.ZipFile(io.BytesIO(first + rest.body)) as opened:
        assert opened.testzip() is None
    assert Receipt.objects.get().state == Receipt.State.COMPLETE
    assert big.state() == ShareLink.State.COMPLETE


def test_a_download_nobody_read_is_nothing(big: Visitor) -> None:
    hang_up(big.client.get(f"{big.address}/files/big.mrc"))
    assert not Receipt.objects.exists()
    assert not AuditEvent.objects.filter(kind="downloaded").exists()


def test_a_file_that_is_gone_is_refused_with_a_sentence_and_reported(rita_s: Visitor) -> None:
    place_of(rita_s.link.dataset, "notes.txt").unlink()
    answer = rita_s.get("/files/notes.txt")
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert "does not give this file as it was verified" in answer.body.decode()
    assert AuditEvent.objects.get(kind="stored_file_changed").subject == "notes.txt"
    assert not Receipt.objects.exists()


@pytest.mark.parametrize("content", [b"", b"taken on Sunday\n", b"taken on Friday\nand more"])
def test_a_small_file_that_changed_is_not_handed_over(rita_s: Visitor, content: bytes) -> None:
    place_of(rita_s.link.dataset, "notes.txt").write_bytes(content)
    assert rita_s.get("/files/notes.txt").status_code == 503
    assert rita_s.state() == ShareLink.State.NOT_OPENED


@pytest.mark.parametrize("change", [b"", bytes(1 << 20), BIG["big.mrc"] + b"x", BIG["big.mrc"][:-1]])
@pytest.mark.parametrize("way", ["/files/big.mrc", "/{name}.zip"])
def test_a_large_file_that_changed_ends_the_connection(big: Visitor, change: bytes, way: str) -> None:
    place_of(big.link.dataset, "big.mrc").write_bytes(change)
    response: Any = big.client.get(big.address + way.format(name=big.name))
    if response.status_code == 200:
        with pytest.raises(Exception, match="verified"):
            b"".join(response.streaming_content)
    assert response.status_code in (200, 503)
    assert AuditEvent.objects.filter(kind="stored_file_changed").exists()
    assert not Receipt.objects.filter(state=Receipt.State.COMPLETE).exists()
    assert big.state() != ShareLink.State.COMPLETE


def test_a_database_that_is_away_at_the_end_costs_a_log_line_and_no_byte(
    rita_s: Visitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**_: object) -> None:
        raise DatabaseError("the server has gone away")

    monkeypatch.setattr("sharing.gate.streams.end_delivery", fail)
    assert rita_s.get("/files/notes.txt").body == FILES["notes.txt"]
    assert "download_not_recorded" in caplog.text


def test_the_audit_says_who_took_what_from_where(rita_s: Visitor) -> None:
    rita_s.get("/files/Grid 1/tile 2.tif", x_forwarded_for="203.0.113.9")
    event = AuditEvent.objects.get(kind="downloaded")
    assert (event.actor_kind, event.actor, event.address) == ("recipient", "rita@university.example", "127.0.0.1")
    assert (event.project, event.dataset, event.subject) == ("em", rita_s.name, "Grid 1/tile 2.tif")
    assert (event.bytes, event.complete, event.detail["what"]) == (5000, True, "file")
    assert "Firefox" in event.client


def test_downloads_cost_as_many_queries_for_1000_files_as_for_10(
    make_dataset: MakeDataset, make_link: MakeLink
) -> None:
    costs = []
    for count in (10, 10, 1000):  # the first event ever costs the audit more
        content = bytes(1_000_000 // count)
        visitor = Visitor(make_link(make_dataset({f"{number:04d}.tif": content for number in range(count)})))
        with CaptureQueriesContext(connection) as for_zip:
            visitor.get_zip()
        with CaptureQueriesContext(connection) as for_file:
            visitor.get("/files/0003.tif", range="bytes=5-9")
        costs.append((len(for_zip), len(for_file)))
    assert costs[1] == costs[2]


def test_when_it_was_taken_is_known(rita_s: Visitor) -> None:
    before = timezone.now()
    rita_s.get("/files/notes.txt")
    rita_s.state()
    assert rita_s.link.first_taken_at is not None
    assert before <= rita_s.link.first_taken_at <= timezone.now()
    first = rita_s.link.first_taken_at
    rita_s.get("/files/empty.dat")
    rita_s.state()
    assert rita_s.link.first_taken_at == first
    assert rita_s.link.last_taken_at is not None
    assert rita_s.link.last_taken_at > first
