"""Hostile names stay harmless: in zips, in headers, in the list for spreadsheets, in mails."""

import csv
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from django.test import Client
from django.utils import timezone

from dataplane.names import path_key
from portal.audit_csv import FORMULA, csv_lines
from portal.mail_text import write_letter
from portal.models import AuditEvent, Dataset, Notice, Project
from sharing.links import token_of
from sharing.services.dispatch import dispatch_dataset
from tests.dataplane.zip_programs import EXTRACT, extract, files_below
from tests.dataplane.zip_samples import whole_zip
from tests.faults.conftest import Found
from tests.faults.hostile_names import hostile_names
from tests.faults.sizes import times
from tests.keeping.conftest import a_dataset

pytestmark = pytest.mark.promise("P11")
NAMES = hostile_names(times(test=150, campaign=500))
LIKE_VERSIONS = {name for name in NAMES if re.search(";[0-9]*$", name)}  # unzip takes `;2` for a version of VMS


@pytest.mark.parametrize("program", EXTRACT)
def test_names_are_unpacked_inside_their_folder(program: str, tmp_path: Path, found: Found) -> None:
    files = {name: hashlib.sha256(name.encode()).digest() for name in NAMES}
    room = tmp_path / "room"
    room.mkdir()
    around = set(tmp_path.iterdir())
    inside = extract(program, whole_zip(files), room)
    assert set(tmp_path.iterdir()) == around
    assert {path.name for path in room.iterdir()} == {"data.zip", "inside"}
    assert {path.name for path in inside.iterdir()} == {"Lysozyme"}
    unpacked = files_below(inside / "Lysozyme")
    assert set(unpacked.values()) >= set(files.values())
    assert {name for name in NAMES if name not in unpacked} <= (LIKE_VERSIONS if program == "unzip" else set())
    assert len(unpacked) == len(files) + 1  # the list of checksums, by a name that no file has
    found(f"{len(NAMES)} names")


@pytest.fixture
def address(project: Project) -> str:
    """Of a link to a dataset that has files of all these names."""
    dataset = a_dataset(project, {name: name.encode() for name in _told_apart()})
    dataset.recipients.create(email="rita@university.example")
    (link,) = dispatch_dataset(dataset_id=dataset.pk, now=timezone.now())
    return f"/s/{token_of(link)}"


def test_names_stay_what_they_are_in_headers_and_in_the_list_for_spreadsheets(address: str, found: Found) -> None:
    visitor: Any = Client()
    for name in _told_apart():
        answer = visitor.get(f"{address}/files/{quote(name)}")
        assert (answer.status_code, b"".join(answer.streaming_content)) == (200, name.encode()), name
        said = answer["Content-Disposition"]
        assert said.isascii()
        assert said.isprintable()
        assert _file_name(said) == name.rpartition("/")[2]
    rows = list(csv.reader(csv_lines(AuditEvent.objects.filter(kind="downloaded"))))[1:]
    assert {row[8].removeprefix("'") for row in rows} == {name.removeprefix("'") for name in _told_apart()}
    assert not [cell for row in rows for cell in row if cell.startswith(FORMULA)]
    found(f"{len(NAMES)} names")


def test_names_are_text_in_mails(project: Project, found: Found) -> None:
    names = NAMES[: times(test=50, campaign=500)]
    plain = _mail_about(project, "A plain title")
    for name in names:
        seen = _mail_about(project, name)
        assert seen.tags == plain.tags
        assert " ".join(name[:200].split()) in " ".join(seen.text.split())
    found(f"{len(names)} titles")


class _Seen(HTMLParser):
    """What a mail program makes of a letter: its tags with the names of their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[tuple[str, ...]] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add((tag, *(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def _mail_about(project: Project, title: str) -> _Seen:
    dataset = a_dataset(project, {})
    Dataset.objects.filter(pk=dataset.pk).update(title=title[:200], sent_by=title[:200])
    dataset.recipients.create(email="rita@university.example")
    dispatch_dataset(dataset_id=dataset.pk, now=timezone.now())
    letter = write_letter(Notice.objects.get(kind="dataset-ready", dataset=dataset))
    assert letter is not None
    assert letter.subject.isprintable()
    return _Seen(letter.html)


def _told_apart() -> list[str]:
    """As ingestion would: by more than case."""
    return list({path_key(name): name for name in NAMES}.values())


def _file_name(disposition: str) -> str:
    """What a browser would call the file (RFC 6266)."""
    kind, _, said = disposition.partition("; ")
    assert kind == "attachment"
    if said.startswith("filename*=utf-8''"):
        return unquote(said.removeprefix("filename*=utf-8''"))
    assert said.startswith('filename="')
    return said.removeprefix('filename="').removesuffix('"').replace('\\"', '"').replace("\\\\", "\\")
