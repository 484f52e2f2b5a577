"""Some of the files are a zip like everything is: by an address that says what it holds, resumed and counted alike."""

import hashlib
import io
import re
import zipfile
from html import unescape
from urllib.parse import urlencode

import pytest
from django.http import QueryDict

from portal.errors import Invalid
from portal.models import AuditEvent, Dataset, User
from sharing.gate.offers import zip_name
from sharing.models import Receipt, ShareLink
from sharing.selections import Selection, selection_of
from tests.conftest import SignIn
from tests.sharing.conftest import FILES, MakeDataset, MakeLink, Visitor, store_file

pytestmark = pytest.mark.django_db

MANY = {f"grid {number % 7}/tile {number:03d}.tif": bytes([number]) * number for number in range(200)} | FILES


def chosen(*pairs: tuple[str, str]) -> Selection:
    selection = selection_of(QueryDict(urlencode(pairs)))
    assert selection is not None
    return selection


@pytest.fixture
def rita(make_dataset: MakeDataset, make_link: MakeLink) -> Visitor:
    return Visitor(make_link(make_dataset(MANY)))


def part_of(visitor: Visitor, *pairs: tuple[str, str]) -> str:
    selection = chosen(*pairs)
    return f"/{zip_name(visitor.link.dataset, selection)}.zip?{selection.query}"


def unpacked(content: bytes, folder: str) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        assert opened.testzip() is None
        return {name.removeprefix(f"{folder}/"): opened.read(name) for name in opened.namelist()}


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("in", "grid 1")], [path for path in MANY if path.startswith("grid 1/")]),
        ([("in", "grid 1"), ("in", "grid 3"), ("file", "notes.txt")],
         [path for path in MANY if path.startswith(("grid 1/", "grid 3/")) or path == "notes.txt"]),
        ([("name", "ÜBERSICHT")], ["Grid 1/Übersicht größe.tif"]),
        ([("in", "grid 2"), ("name", "10")], [path for path in MANY if path.startswith("grid 2/") and "10" in path]),
        ([("file", "empty.dat"), ("file", "not there")], ["empty.dat"]),
        ([("in", "Grid 1")], [path for path in MANY if path.startswith("Grid 1/")]),
    ],
)  # fmt: skip
def test_the_zip_holds_exactly_what_is_selected(
    rita: Visitor, pairs: list[tuple[str, str]], expected: list[str]
) -> None:
    answer = rita.get(part_of(rita, *pairs))
    assert (answer.status_code, int(answer["Content-Length"])) == (200, len(answer.body))
    files = unpacked(answer.body, rita.name)
    (manifest,) = [name for name in files if name.startswith("manifest-sha256-part-")]
    lines = files.pop(manifest).decode().splitlines()
    assert files == {path: MANY[path] for path in expected}
    assert lines == [f"{hashlib.sha256(MANY[path]).hexdigest()}  {path}" for path in sorted(expected)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([("in", "b"), ("in", "a")], [("in", "a"), ("in", "b")]),
        ([("in", "a"), ("in", "a/b"), ("file", "a/c")], [("in", "/a/")]),
        ([("file", "x"), ("file", "x")], [("file", "x")]),
        ([("name", " tif ")], [("name", "tif")]),
    ],
)
def test_the_same_choice_has_one_address(one: list[tuple[str, str]], other: list[tuple[str, str]]) -> None:
    assert chosen(*one) == chosen(*other)
    assert selection_of(QueryDict(chosen(*one).query)) == chosen(*one)


def test_names_that_begin_alike_are_not_in_each_other(make_dataset: MakeDataset) -> None:
    assert chosen(("in", "a"), ("in", "a b"), ("in", "a/c")).folders == ("a", "a b")


def test_choosing_nothing_is_everything() -> None:
    assert selection_of(QueryDict("start&in=&file=&name=+")) is None


def test_more_than_an_address_can_hold_is_refused_with_a_way_out() -> None:
    with pytest.raises(Invalid, match="Choose whole folders"):
        chosen(*(("file", f"a long name {number:04d}.tif") for number in range(200)))


def test_any_range_is_the_slice_of_the_whole_and_resumes_by_its_tag(rita: Visitor) -> None:
    below = part_of(rita, ("in", "grid 1"))
    whole = rita.get(below)
    for start, stop in ((0, 1), (100, 2000), (len(whole.body) - 50, len(whole.body))):
        part = rita.get(below, range=f"bytes={start}-{stop - 1}", if_range=whole["ETag"])
        assert (part.status_code, part.body) == (206, whole.body[start:stop])
    assert rita.get(below, if_none_match=whole["ETag"]).status_code == 304


def test_it_goes_on_with_the_revision_it_began_with(rita: Visitor) -> None:
    below, dataset = part_of(rita, ("in", "grid 1")), rita.link.dataset
    whole = rita.get(below)
    Receipt.objects.all().delete()
    rita.get(below, range="bytes=0-999")
    store_file(dataset, "grid 1/aaa.tif", b"late").save()
    counts = {
        "file_count": len(MANY) + 1,
        "verified_count": len(MANY) + 1,
        "bytes_verified": 4 + dataset.bytes_verified,
    }
    Dataset.objects.filter(pk=dataset.pk).update(revision=2, **counts)
    for headers in ({"if_range": whole["ETag"]}, {}):
        assert rita.get(below, range="bytes=1000-", **headers).body == whole.body[1000:]
    assert len(rita.get(below).body) > len(whole.body)


def test_it_has_a_receipt_of_its_own_and_is_not_everything(rita: Visitor) -> None:
    for name in ("grid 1", "grid 2"):
        rita.get(part_of(rita, ("in", name)))
    receipts = Receipt.objects.order_by("pk")
    assert [(receipt.kind, receipt.state, receipt.subject) for receipt in receipts] == [
        ("part", "complete", "all in grid 1"), ("part", "complete", "all in grid 2"),
    ]  # fmt: skip
    assert rita.state() == ShareLink.State.PARTIAL
    event = AuditEvent.objects.filter(kind="downloaded").latest("pk")
    assert (event.subject, event.complete, event.detail["what"]) == ("all in grid 2", True, "part")


@pytest.mark.parametrize("damage", [lambda below: below.replace("grid", "grit"), lambda below: below.split("?")[0]])
def test_an_address_that_was_not_copied_whole_is_refused(rita: Visitor, damage: object) -> None:
    assert callable(damage)
    answer = rita.get(damage(part_of(rita, ("in", "grid 1"))))
    assert answer.status_code == 404
    assert "copied whole" in answer.body.decode()


def test_nothing_that_fits_is_said(rita: Visitor) -> None:
    answer = rita.get(part_of(rita, ("in", "grid 9")))
    assert answer.status_code == 404
    assert "no file left" in answer.body.decode()


def test_who_chooses_on_the_page_gets_an_address_and_downloads_at_one_click(rita: Visitor) -> None:
    html = {"accept": "text/html,*/*;q=0.8"}
    page = rita.get("", **html).body.decode()
    assert f'action="{rita.address}/selection"' in page
    boxes = re.findall(r'name="(in|file)" value="([^"]+)"', page)
    assert ("in", "grid 1") in boxes
    assert ("file", "notes.txt") in boxes
    posted = rita.client.post(f"{rita.address}/selection", {"in": ["grid 1", "grid 3"], "file": ["notes.txt"]})
    assert posted.status_code == 302
    shown = rita.client.get(posted["Location"], headers=html).content.decode()
    (button,) = re.findall(r'btn-primary" href="([^"]+)"', shown)
    assert not Receipt.objects.exists()
    answer = rita.get(unescape(button).removeprefix(rita.address), **html)
    assert answer["Content-Type"] == "application/zip"
    assert Receipt.objects.get().subject == "all in grid 1, all in grid 3, notes.txt"
    assert answer["Content-Disposition"] in (
        f'attachment; filename="{name}"' for name in re.findall(r"[^/\s']+\.zip", shown)
    )


def test_a_program_that_passes_for_a_browser_is_shown_the_page(rita: Visitor) -> None:
    answer = rita.get(part_of(rita, ("in", "grid 1")), accept="text/html")
    assert (answer.status_code, answer["Location"]) == (302, f"{rita.address}/selection?in=grid+1")


def test_what_was_searched_for_can_be_fetched_as_it_is(rita: Visitor) -> None:
    page = rita.get("?find=Tile+2").body.decode()
    assert f"{rita.address}/selection?name=Tile+2" in page


def test_too_much_chosen_in_the_form_is_said(rita: Visitor) -> None:
    answer = rita.client.post(f"{rita.address}/selection", {"file": [f"{n:050d}" for n in range(200)]})
    assert answer.status_code == 422
    assert "Choose whole folders" in answer.content.decode()


def test_members_choose_and_share_the_address_among_themselves(
    rita: Visitor, alice: User, bob: User, sign_in: SignIn
) -> None:
    at = f"/datasets/{rita.link.dataset_id}"
    client = sign_in(bob)
    assert 'name="in" value="grid 1"' in client.get(f"{at}/choose").content.decode()
    assert client.get(f"{at}/selection")["Location"] == f"{at}/choose"
    shown = client.post(f"{at}/selection", {"in": "grid 1"}, follow=True).content.decode()
    (address,) = re.findall(r"http://127.0.0.1:8000(/datasets/[^<\s]+\.zip[^<\s]*)", shown)
    answer = sign_in(alice).get(unescape(address))
    assert len(unpacked(b"".join(answer.streaming_content), rita.name)) == 30  # type: ignore[attr-defined]
