import re
from html import unescape
from typing import Any

import pytest
from django.utils import timezone

from portal.models import DatasetKeyword
from sharing.models import ShareLink
from tests.sharing.conftest import MakeDataset, MakeLink, Visitor

pytestmark = pytest.mark.django_db


def text_of(visitor: Visitor, below: str = "") -> str:
    answer = visitor.get(below)
    assert answer.status_code == 200
    return unescape(answer.body.decode())


def test_it_says_what_from_whom_how_much_and_until_when(rita_s: Visitor) -> None:
    text = text_of(rita_s)
    assert ">Lysozyme, grid 1</h1>" in text
    assert "<dt>From</dt><dd>Krios 2 (Electron microscopy)</dd>" in text
    assert "<dt>For</dt><dd>rita@university.example</dd>" in text
    assert "4\u00a0files" in text
    assert "Download all (8.02\u00a0kB)" in text
    assert f"{timezone.localtime(rita_s.link.expires_at):%A %-d %B %Y}" in text
    assert "in 29 days" in text
    assert "mailto:em@facility.example" in text


def test_a_link_by_hand_is_from_the_person_with_their_words(
    make_dataset: MakeDataset, make_link: MakeLink, bob: Any
) -> None:
    link = make_link(make_dataset(), owner=bob, label=bob.email, message="Have a look at <b>grid 3</b>.\nBob")
    answer = Visitor(link).get().body.decode()
    assert "<dd>Bob Berg (Electron microscopy)</dd>" in answer
    assert "Have a look at &lt;b&gt;grid 3&lt;/b&gt;.<br>Bob" in answer


def test_it_shows_what_the_sender_told_about_the_data(make_dataset: MakeDataset, make_link: MakeLink) -> None:
    dataset = make_dataset(
        description="Second session", investigation="2026-0412 <Ferritin>", metadata={"Pixel size": "0.832 Å"}
    )
    DatasetKeyword.objects.create(dataset=dataset, word="apoferritin")
    text = Visitor(make_link(dataset)).get().body.decode()
    for expected in ("Second session", "2026-0412 &lt;Ferritin&gt;", "Pixel size", "0.832 Å", "apoferritin"):
        assert expected in text


def test_folders_are_opened_one_by_one(rita_s: Visitor) -> None:
    top = text_of(rita_s)
    assert "?folder=Grid+1#files" in top
    assert "/files/notes.txt" in top
    assert "tile" not in top
    inside = text_of(rita_s, "?folder=Grid+1")
    assert "/files/Grid%201/tile%202.tif" in inside
    assert "/files/Grid%201/%C3%9Cbersicht%20gr%C3%B6%C3%9Fe.tif" in inside
    assert "notes.txt" not in inside.partition("<h2>With a program")[0].partition('id="files"')[2]


def test_every_file_link_of_the_page_works(rita_s: Visitor) -> None:
    text = text_of(rita_s, "?folder=Grid+1")
    found = [part.partition('"')[0] for part in text.split('href="')[1:] if "/files/" in part.partition('"')[0]]
    assert len(found) == 2
    assert all(rita_s.client.get(address).status_code == 200 for address in found)


def test_files_are_found_by_part_of_their_name(rita_s: Visitor) -> None:
    text = text_of(rita_s, "?find=TILE")
    assert "Grid 1/tile 2.tif" in text
    assert "1\u00a0file found." in text
    assert "empty.dat" not in text
    assert "0\u00a0files found." in text_of(rita_s, "?find=nothing")


def test_a_large_folder_comes_in_pages(make_dataset: MakeDataset, make_link: MakeLink) -> None:
    visitor = Visitor(make_link(make_dataset({f"many/{number:04d}.tif": b"" for number in range(450)})))
    seen: list[str] = []
    below = "?folder=many"
    pages = 0
    while below:
        text = text_of(visitor, below)
        names = [part[:8] for part in text.split("/files/many/")[1:]]
        seen += names
        pages += 1
        more = text.partition('rel="next" href="')[2].partition("#files")[0]
        below = more[more.index("?") :] if more else ""
    assert pages == 3
    assert seen == [f"{number:04d}.tif" for number in range(450)]


def test_the_commands_fetch_this_zip_and_check_it(rita_s: Visitor) -> None:
    text = text_of(rita_s)
    address = f"http://127.0.0.1:8000{rita_s.address}/{rita_s.name}.zip"
    for command in (f"wget -c {address}", f"curl -f -C - -O {address}", f"aria2c -c -x 4 {address}"):
        assert command in text
    assert f"cd {rita_s.name} && sha256sum -c manifest-sha256.txt" in text


def test_only_commands_for_ways_that_the_link_allows_are_shown(rita_s: Visitor) -> None:
    zips, files = {"wget", "curl", "aria2", "check"}, {"labcourier", "rclone", "wget-files", "check-folder"}
    for ways, keys in (
        (["zip", "files"], zips | files),
        (["zip"], zips),
        (["files", "copy"], files),
        (["copy"], set()),
    ):
        ShareLink.objects.filter(pk=rita_s.link.pk).update(ways=ways)
        assert set(re.findall(r'<code id="kit-([a-z0-9-]+)"', text_of(rita_s))) == keys, ways


def test_nothing_on_the_page_comes_from_another_host(rita_s: Visitor) -> None:
    text = text_of(rita_s)
    loaded = [
        part.partition('"')[0] for name in ("src=", 'rel="stylesheet" href=') for part in text.split(f'{name}"')[1:]
    ]
    assert loaded
    assert all(address.startswith("/static/") for address in loaded)
    assert "token" not in text.partition("<main")[2].replace(rita_s.address, "").lower()


def test_a_page_costs_as_many_queries_for_1000_files_as_for_10(
    make_dataset: MakeDataset, make_link: MakeLink, django_assert_max_num_queries: Any
) -> None:
    for count in (10, 1000):
        visitor = Visitor(make_link(make_dataset({f"{number % 7}/{number:04d}.tif": b"x" for number in range(count)})))
        visitor.get()
        with django_assert_max_num_queries(3):
            visitor.get()
        with django_assert_max_num_queries(3):
            visitor.get("?folder=3")
