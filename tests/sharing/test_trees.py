"""Plain folders under a link, as programs walk through them."""

import hashlib
import re
from html import unescape
from typing import Any
from urllib.parse import quote, urljoin

import pytest

from portal.models import AuditEvent, DataFile
from sharing.models import Receipt, ShareLink
from tests.sharing.conftest import MakeDataset, MakeLink, Visitor, row_of_file

pytestmark = pytest.mark.django_db
HOSTILE = [
    'quote".html', ":semi;colon.svg", "<script>.html", "per%cent%00.txt", "%2e%2e.txt", "ünï 显微镜.tif",
    "hash#1?a=b&c.txt", "plus+and&.csv", "index.html", "-rf", "?", "~user", "a'b`c$(d).sh",
]  # fmt: skip
ROW = re.compile(
    r'<tr><th scope="row"><a href="([^"]+)">([^<]+)</a></th><td class="figure">([^<]*)</td><td class="figure">([^<]*)<'
)


def rows(answer: Any) -> list[tuple[str, ...]]:
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    return [tuple(map(unescape, found)) for found in ROW.findall(answer.body.decode())]


def walk(visitor: Visitor, below: str = "/tree/") -> dict[str, bytes]:
    """Everything, by following the addresses of the pages as a program would."""
    found: dict[str, bytes] = {}
    for href, *_ in rows(visitor.get(below)):
        address = urljoin(below, href)
        if href.endswith("/"):
            found |= walk(visitor, address)
        else:
            found[address] = visitor.get(address).body
    return found


def test_a_folder_shows_names_sizes_and_times_and_the_list_of_checksums(rita_s: Visitor) -> None:
    listed = rows(rita_s.get("/tree/"))
    assert listed[:-1] == [
        ("Grid%201/", "Grid 1/", "8.00\u00a0kB", ""),
        ("empty.dat", "empty.dat", "0\u00a0B", "2026-11-21 04:16:07"),
        ("notes.txt", "notes.txt", "16\u00a0B", "2026-11-21 04:16:07"),
    ]
    assert listed[-1][:2] == ("manifest-sha256.txt", "manifest-sha256.txt")
    page = rita_s.get("/tree/Grid 1/").body.decode()
    assert 'href="../"' in page
    assert "manifest" not in page


def test_looking_counts_as_nothing_and_what_is_fetched_below_it_counts(rita_s: Visitor) -> None:
    rita_s.get("/tree/")
    rita_s.get("/tree/Grid 1/")
    assert rita_s.client.head(f"{rita_s.address}/tree/notes.txt")["Content-Length"] == "16"
    assert (Receipt.objects.count(), AuditEvent.objects.filter(kind="downloaded").count()) == (0, 0)
    assert rita_s.state() == ShareLink.State.OPENED
    rita_s.get("/tree/notes.txt", range="bytes=0-9")
    assert rita_s.state() == ShareLink.State.PARTIAL
    walk(rita_s)
    assert rita_s.state() == ShareLink.State.COMPLETE


def test_whoever_follows_the_addresses_gets_everything_and_can_check_it(
    make_dataset: MakeDataset, make_link: MakeLink
) -> None:
    files = {f"deep {name}/{name}": name.encode() for name in HOSTILE} | {name: name.encode() for name in HOSTILE}
    visitor = Visitor(make_link(make_dataset(files)))
    found = walk(visitor)
    manifest = found.pop("/tree/manifest-sha256.txt").decode()
    assert found == {f"/tree/{quote(path, safe='/')}": content for path, content in files.items()}
    assert all(f"{hashlib.sha256(content).hexdigest()}  {path}\n" in manifest for path, content in files.items())


def test_a_file_keeps_its_time_and_a_folder_gets_its_slash(rita_s: Visitor) -> None:
    assert rita_s.get("/tree/notes.txt")["Last-Modified"] == "Sat, 21 Nov 2026 04:16:07 GMT"
    answer = rita_s.get("/tree/Grid%201")
    assert (answer.status_code, answer["Location"]) == (302, f"{rita_s.address}/tree/Grid%201/")


@pytest.mark.parametrize("below", ["nothing", "nothing/", "Grid 1/nothing", "notes.txt/", "/", "Grid", "%00", "../"])
def test_what_is_not_there_is_not_found(rita_s: Visitor, below: str) -> None:
    assert rita_s.client.get(f"{rita_s.address}/tree/{quote(below, safe='/%')}").status_code == 404


def test_a_file_of_the_name_of_the_list_of_checksums_stays_itself(
    make_dataset: MakeDataset, make_link: MakeLink
) -> None:
    visitor = Visitor(make_link(make_dataset({"manifest-sha256.txt": b"not ours"})))
    found = walk(visitor)
    assert found["/tree/manifest-sha256.txt"] == b"not ours"
    assert found["/tree/manifest-sha256-2.txt"].endswith(b"  manifest-sha256.txt\n")


def test_a_large_folder_is_sent_in_pieces(make_dataset: MakeDataset, make_link: MakeLink) -> None:
    dataset = make_dataset({})
    count = 2000
    DataFile.objects.bulk_create(row_of_file(dataset, f"tile {number:05}.tif", b"") for number in range(count))
    type(dataset).objects.filter(pk=dataset.pk).update(verified_count=count, file_count=count)
    visitor = Visitor(make_link(dataset))
    answer: Any = visitor.client.get(f"{visitor.address}/tree/")
    pieces = list(answer.streaming_content)
    assert b"".join(pieces).count(b'<tr><th scope="row">') == count + 1
    assert max(map(len, pieces)) < 150_000
