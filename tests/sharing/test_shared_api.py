"""What programs do with a share link: list, fetch small files together, say what they verified."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from portal.models import AuditEvent, Dataset, Notice
from sharing.gate import bundles
from sharing.links import token_of
from sharing.models import Receipt, ShareLink
from tests.sharing.conftest import FILES, MakeDataset, MakeLink, Visitor, hang_up, store_file

LONG = "a folder/" * 14 + "größe.tif"


def wanted(*paths: str, files: dict[str, bytes] = FILES) -> dict[str, Any]:
    return {"files": [{"path": path, "sha256": hashlib.sha256(files[path]).hexdigest()} for path in paths]}


class Program(Visitor):
    """It has the link and speaks JSON."""

    def ask(self, below: str = "") -> Any:
        return self.client.get(f"/api/v1/shared/{token_of(self.link)}{below}")

    def post(self, below: str, document: Any) -> Any:
        return self.client.post(
            f"/api/v1/shared/{token_of(self.link)}{below}", json.dumps(document), content_type="application/json"
        )

    def fetch(self, document: Any) -> bytes:
        answer = self.post("/bundle", document)
        assert answer.status_code == 200, answer.content
        body = b"".join(answer.streaming_content)
        assert len(body) == int(answer["Content-Length"])
        return body

    def receipts(self) -> dict[str, str]:
        return {receipt.file.path: receipt.state for receipt in Receipt.objects.select_related("file") if receipt.file}


@pytest.fixture
def program(link: ShareLink) -> Program:
    return Program(link)


def unpacked(body: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def test_the_list_comes_in_pages_and_each_address_gives_its_file(program: Program) -> None:
    assert program.ask().json()["files"] == len(FILES)
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = program.ask(f"/files?limit=3&cursor={quote(cursor)}").json()
        assert len(page["files"]) <= 3
        found, cursor = [*found, *page["files"]], page["next"]
    assert {file["path"] for file in found} == set(FILES)
    for file in found:
        answer: Any = program.client.get(file["address"])
        assert (answer["ETag"], b"".join(answer.streaming_content)) == (f'"{file["sha256"]}"', FILES[file["path"]])


def test_looking_at_the_list_counts_as_nothing(program: Program) -> None:
    program.ask()
    program.ask("/files")
    assert program.state() == "not_opened"
    assert not Receipt.objects.exists()


def test_a_bundle_is_the_files_that_were_named_in_that_order_and_each_has_a_receipt(program: Program) -> None:
    body = program.fetch(wanted("notes.txt", "empty.dat", "Grid 1/tile 2.tif"))
    assert list(unpacked(body).items()) == [
        (path, FILES[path]) for path in ("notes.txt", "empty.dat", "Grid 1/tile 2.tif")
    ]
    assert program.receipts() == {"notes.txt": "complete", "empty.dat": "complete", "Grid 1/tile 2.tif": "complete"}
    assert program.state() == "partial"
    event = AuditEvent.objects.get(kind="downloaded")
    assert (event.detail["what"], event.detail["count"], event.bytes) == ("bundle", 3, len(body))


def test_with_the_last_bundle_the_link_is_complete_and_the_operators_hear_of_it_once(program: Program) -> None:
    program.fetch(wanted("notes.txt", "empty.dat"))
    program.fetch(wanted(*FILES))
    program.fetch(wanted(*FILES))
    assert program.state() == "complete"
    assert program.link.files_complete == len(FILES)
    assert Notice.objects.filter(kind="first-complete-download").count() == 1


def test_long_and_foreign_names_travel(make_dataset: MakeDataset, make_link: MakeLink) -> None:
    files = {LONG: b"x", "größe.tif": b"yy", "x" * 101: b""}
    assert unpacked(Program(make_link(make_dataset(files))).fetch(wanted(*files, files=files))) == files


def test_what_changed_since_it_was_listed_is_left_out(program: Program) -> None:
    document = wanted("notes.txt", "empty.dat")
    document["files"][0]["sha256"] = "0" * 64
    assert list(unpacked(program.fetch(document))) == ["empty.dat"]
    assert program.post("/bundle", {"files": document["files"][:1]}).status_code == 404


def test_a_client_that_leaves_has_what_arrived_whole(
    make_dataset: MakeDataset, make_link: MakeLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{number}.raw": bytes([number]) * 150_000 for number in range(4)}
    program = Program(make_link(make_dataset(files)))
    answer = program.post("/bundle", wanted(*files, files=files))
    pieces: Iterator[bytes] = iter(answer)
    for _ in range(3):
        next(pieces)
    assert program.state() == "started"
    hang_up(answer)
    assert program.receipts() == {"0.raw": "complete", "1.raw": "partial", "2.raw": "partial", "3.raw": "partial"}
    assert program.state() == "partial"
    program.fetch(wanted("1.raw", "2.raw", "3.raw", files=files))
    assert program.state() == "complete"


def test_a_file_that_changed_in_storage_ends_the_bundle_and_is_told(program: Program, dataset: Dataset) -> None:
    store_file(dataset, "notes.txt", b"taken on Sunday\n")
    assert program.post("/bundle", wanted("notes.txt")).status_code == 503
    assert AuditEvent.objects.get(kind="stored_file_changed").subject == "notes.txt"
    assert program.receipts() == {"notes.txt": "partial"}
    assert Receipt.objects.get().bytes_sent == 0


def test_what_was_sent_and_verified_is_known_as_verified(program: Program) -> None:
    everything = wanted(*FILES)
    program.fetch(everything)
    assert program.post("/verified", wanted("notes.txt")).json() == {"verified": 1, "state": "complete"}
    for _ in range(2):
        assert program.post("/verified", everything).json() == {"verified": len(FILES), "state": "verified"}
    assert set(program.receipts().values()) == {"verified"}
    events = AuditEvent.objects.filter(kind="files_verified").order_by("pk")
    assert [(event.detail["count"], event.complete) for event in events] == [(1, False), (len(FILES) - 1, True)]
    program.link.refresh_from_db()
    assert program.link.verified_at is not None


def test_what_this_link_was_never_sent_or_has_another_digest_is_not_verified(program: Program) -> None:
    program.fetch(wanted("notes.txt"))
    wrong = wanted("notes.txt")
    wrong["files"][0]["sha256"] = "0" * 64
    assert program.post("/verified", wrong).json()["verified"] == 0
    assert program.post("/verified", wanted(*FILES)).json() == {"verified": 1, "state": "partial"}


def test_what_a_killed_server_had_begun_to_send_can_be_verified(program: Program) -> None:
    """It never came to write down what it had sent; the recipient's program knows."""
    answer = program.post("/bundle", wanted(*FILES))
    del answer
    Receipt.objects.update(state="started", bytes_sent=0)
    ShareLink.objects.update(state="started", files_complete=0)
    assert program.post("/verified", wanted(*FILES)).json() == {"verified": len(FILES), "state": "verified"}


def test_a_verified_file_that_is_fetched_again_stays_verified(program: Program) -> None:
    program.fetch(wanted(*FILES))
    program.post("/verified", wanted(*FILES))
    program.get("/files/notes.txt", range="bytes=3-7")
    program.get("/files/notes.txt")
    program.fetch(wanted(*FILES))
    assert set(program.receipts().values()) == {"verified"}
    assert program.state() == "verified"


def test_an_ended_link_refuses_programs_with_a_sentence(program: Program) -> None:
    ShareLink.objects.update(revoked_at=program.link.created_at)
    for answer in (program.ask(), program.ask("/files"), program.post("/bundle", wanted("notes.txt"))):
        assert (answer.status_code, answer.json()["code"]) == (410, "link_revoked")
    assert program.client.get("/api/v1/shared/lcs_x").json()["code"] == "link_unknown"


def test_what_makes_no_sense_is_refused(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    senseless: tuple[Any, ...] = (
        {"files": []},
        {"files": [{"path": "a\0b", "sha256": "0" * 64}]},
        {"files": [{"path": "a"}]},
        [],
    )
    for document in senseless:
        assert program.post("/bundle", document).status_code == 422
        assert program.post("/verified", document).status_code == 422
    monkeypatch.setattr(bundles, "MOST_BYTES", 100)
    assert program.post("/bundle", wanted(*FILES)).status_code == 413
