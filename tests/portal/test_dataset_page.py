"""The dataset page: whose it is, what arrived, what happened; as fast with ten thousand files as with ten."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from django.http import HttpRequest
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from portal.actors import SYSTEM, Actor
from portal.audit import record
from portal.models import AuditEvent, Dataset, DatasetKeyword, User
from portal.panels import Panel
from tests.conftest import SignIn
from tests.portal.conftest import MakeDataset, PutFiles


def counter(request: HttpRequest, dataset: Dataset) -> Panel:
    return Panel("counter", "Counter", "components/notice.html", {"text": f"{dataset.verified_count} verified"})


def for_staff(request: HttpRequest, dataset: Dataset) -> Panel | None:
    staff = Panel("staff", "For staff", "components/notice.html", {"text": "inner matters"}, live=True)
    return staff if isinstance(request.user, User) and request.user.is_staff else None


@pytest.fixture(autouse=True)
def two_panels(settings: Settings) -> None:
    settings.DATASET_PANELS = [f"{__name__}.counter", f"{__name__}.for_staff"]


@pytest.fixture
def bobs(sign_in: SignIn, bob: User) -> Client:
    return sign_in(bob)


def page(client: Client, dataset: Dataset, query: str = "") -> str:
    return unescape(client.get(f"{dataset.get_absolute_url()}{query}").content.decode())


def test_the_page_says_what_it_is(bobs: Client, make_dataset: MakeDataset) -> None:
    dataset = make_dataset(
        "Ribosome <70S>",
        description="First line\nsecond line",
        investigation="2026-0412 Ferritin",
        metadata={"pixel size": "0.832 Å", "<b>": "<script>alert(1)</script>"},
        keywords=["cryo & co"],
        recipients=["rita@university.example"],
    )
    raw = bobs.get(dataset.get_absolute_url()).content.decode()
    for words in (dataset.name, "0.832 Å", "2026-0412 Ferritin", "rita@university.example", "Krios 2", "em/2026-11-20"):
        assert words in raw
    assert "Ribosome &lt;70S&gt;" in raw
    assert "<script>alert" not in raw
    assert "/projects/em/?q=cryo%20%26%20co" in raw


def test_a_keyword_leads_to_the_datasets_that_have_it(bobs: Client, make_dataset: MakeDataset) -> None:
    dataset = make_dataset("With spaces", keywords=["grid 3/b & more"])
    (link,) = re.findall(r'href="([^"]+\?q=[^"]+)"', bobs.get(dataset.get_absolute_url()).content.decode())
    assert "With spaces" in bobs.get(unescape(link)).content.decode()


# --- panels ---------------------------------------------------------------------------------------------------------


def test_panels_of_a_moving_dataset_are_fetched_again_and_bring_the_state(bobs: Client, dataset: Dataset) -> None:
    seen = page(bobs, dataset)
    again = f"/datasets/{dataset.pk}/panels/counter"
    assert f'hx-get="{again}"' in seen
    Dataset.objects.update(verified_count=0, file_count=3)
    part = bobs.get(again)
    assert "0 verified" in part.content.decode()
    assert 'id="dataset-state" hx-swap-oob="true"' in part.content.decode()
    assert "no-store" in part["Cache-Control"]


def test_panels_rest_once_nothing_moves_unless_they_say_so(
    bobs: Client, sign_in: SignIn, sam: User, make_dataset: MakeDataset
) -> None:
    dataset = make_dataset(state="released")
    assert "hx-trigger" not in page(bobs, dataset).split('id="files"')[0]
    staff = page(sign_in(sam), dataset)
    assert f'hx-get="/datasets/{dataset.pk}/panels/staff"' in staff
    assert f'hx-get="/datasets/{dataset.pk}/panels/counter"' not in staff


def test_a_panel_that_is_not_for_this_person_is_not_found(bobs: Client, dataset: Dataset) -> None:
    assert "inner matters" not in page(bobs, dataset)
    assert bobs.get(f"/datasets/{dataset.pk}/panels/staff").status_code == 404
    assert bobs.get(f"/datasets/{dataset.pk}/panels/none").status_code == 404


# --- files ----------------------------------------------------------------------------------------------------------


def test_folders_open_in_place_and_by_their_own_address(bobs: Client, dataset: Dataset, put_files: PutFiles) -> None:
    put_files(dataset, ["Grid 1/a&b #1.tif", "notes.txt"])
    seen = page(bobs, dataset)
    assert f'hx-get="/datasets/{dataset.pk}/files?folder=Grid%201"' in seen
    assert "notes.txt" in seen
    assert "a&b #1.tif" not in seen
    part = bobs.get(f"/datasets/{dataset.pk}/files?folder=Grid%201").content.decode()
    assert "a&amp;b #1.tif" in part
    assert "<html" not in part
    whole = page(bobs, dataset, "?folder=Grid%201")
    assert "a&b #1.tif" in whole
    assert "notes.txt" not in whole


def test_long_folders_go_on_page_by_page(bobs: Client, dataset: Dataset, put_files: PutFiles) -> None:
    put_files(dataset, [f"image {number:04}.tif" for number in range(250)])
    seen, address = [], f"/datasets/{dataset.pk}/files"
    while address:
        part = unescape(bobs.get(address).content.decode())
        seen += re.findall(r"image \d{4}\.tif(?=</a>|\s*<)", part)
        more = re.findall(r'hx-get="([^"]+start=[^"]+)"', part)
        address = more[0] if more else ""
    assert len(seen) == 250
    assert seen == sorted(set(seen))


def test_a_file_is_offered_once_it_is_verified(bobs: Client, dataset: Dataset, put_files: PutFiles) -> None:
    put_files(dataset, ["good.tif"])
    put_files(dataset, ["waiting.tif"], state="received")
    put_files(dataset, ["bad.tif"], state="corrupt")
    seen = page(bobs, dataset)
    assert re.search(r'<a href="[^"]+good\.tif">', seen)
    assert not re.search(r'<a href="[^"]+(waiting|bad)\.tif">', seen)
    assert "not the one the sender stated" in seen


def test_files_are_found_by_path_and_state(bobs: Client, dataset: Dataset, put_files: PutFiles) -> None:
    put_files(dataset, ["a/sum.mrc", "b/raw.tif"])
    put_files(dataset, ["c/bad.mrc"], state="corrupt")
    seen = page(bobs, dataset, "?state=corrupt")
    assert "c/bad.mrc" in seen
    assert "a/sum.mrc" not in seen
    assert "a/sum.mrc" in page(bobs, dataset, "?q=SUM")
    assert "No file fits" in page(bobs, dataset, "?q=nothing")


@pytest.mark.parametrize(
    "query", ["folder=%00", "start=%00", "q=%00", "state=x", "folder=../..", "folder=" + "x" * 2000]
)
def test_odd_addresses_break_nothing(bobs: Client, dataset: Dataset, put_files: PutFiles, query: str) -> None:
    put_files(dataset, ["a.txt"])
    assert bobs.get(f"{dataset.get_absolute_url()}?{query}").status_code == 200
    assert bobs.get(f"/datasets/{dataset.pk}/files?{query}").status_code == 200


def test_a_place_that_is_none_is_told(bobs: Client, dataset: Dataset) -> None:
    assert bobs.get(f"/datasets/{dataset.pk}/files?start=elsewhere").status_code == 422


def test_ten_thousand_files_cost_the_queries_of_ten(
    bobs: Client,
    make_dataset: MakeDataset,
    put_files: PutFiles,
    django_assert_num_queries: DjangoAssertNumQueries,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    small, large = make_dataset("Small"), make_dataset("Large")
    put_files(small, [f"Grid {number // 5}/image {number}.tif" for number in range(10)])
    put_files(large, [f"Grid {number // 100}/image {number}.tif" for number in range(10_000)])
    for _ in range(30):
        record("seen", SYSTEM, dataset=large)
    with django_assert_max_num_queries(14) as asked:
        page(bobs, small)
    with django_assert_num_queries(len(asked)):
        page(bobs, large)


# --- timeline -------------------------------------------------------------------------------------------------------


def test_the_timeline_tells_in_words_newest_first(bobs: Client, dataset: Dataset) -> None:
    ada = Actor("upload_token", "1", "Krios 2, control PC", "192.0.2.41")
    record("dataset_closed", ada, dataset=dataset, files=312, bytes=41_234_567_890)
    record("link_made", SYSTEM, dataset=dataset, subject="rita@university.example")
    seen = page(bobs, dataset)
    closed = "Krios 2, control PC closed the dataset: 312\u00a0files, 41.2\u00a0GB"
    linked = "The portal made a link for rita@university.example"
    assert seen.index(linked) < seen.index(closed)
    assert "192.0.2.41" not in seen, "where from is for the audit"


def test_the_timeline_shows_this_dataset_only_and_has_pages(
    bobs: Client, dataset: Dataset, make_dataset: MakeDataset
) -> None:
    record("link_made", SYSTEM, dataset=make_dataset(), subject="other@lab.example")
    for number in range(60):
        record("link_made", SYSTEM, dataset=dataset, subject=f"r{number:02}@lab.example")
    seen = page(bobs, dataset)
    assert "other@lab.example" not in seen
    assert "r59@lab.example" in seen
    assert "r30@lab.example" not in seen
    pages = list(timeline_pages(bobs, dataset))
    assert [len(re.findall(r"r\d\d@", text)) for text in pages] == [50, 10]


def timeline_pages(client: Client, dataset: Dataset) -> Iterator[str]:
    query = ""
    while True:
        text = unescape(client.get(f"/datasets/{dataset.pk}/timeline{query}").content.decode())
        yield text
        older = re.findall(r'rel="next" href="([^"]+)"', text)
        if not older:
            return
        query = older[0]


# --- description ----------------------------------------------------------------------------------------------------


def test_an_operator_corrects_title_description_and_keywords(bobs: Client, make_dataset: MakeDataset) -> None:
    dataset = make_dataset("Old", keywords=["keep", "drop"])
    form = {"title": "New", "description": "More words", "keywords": "keep, add; add\n"}
    assert bobs.post(f"/datasets/{dataset.pk}/edit", form).status_code == 302
    dataset.refresh_from_db()
    assert (dataset.title, dataset.description) == ("New", "More words")
    assert sorted(dataset.keywords.values_list("word", flat=True)) == ["add", "keep"]
    event = AuditEvent.objects.get(kind="dataset_described")
    assert event.detail["changes"] == {
        "title": ["Old", "New"],
        "description": ["", "More words"],
        "keywords": [["drop", "keep"], ["add", "keep"]],
    }


def test_saving_without_a_change_tells_the_audit_nothing(bobs: Client, make_dataset: MakeDataset) -> None:
    dataset = make_dataset("Same", keywords=["b", "a"])
    bobs.post(f"/datasets/{dataset.pk}/edit", {"title": "Same", "description": "", "keywords": "b, a"})
    assert not AuditEvent.objects.filter(kind="dataset_described").exists()


@pytest.mark.parametrize(
    "wrong", [{"title": ""}, {"title": "x" * 301}, {"keywords": "x" * 101}, {"title": "\x00"}, {"keywords": "a\x00b"}]
)
def test_a_wrong_description_is_told_and_nothing_is_changed(
    bobs: Client, make_dataset: MakeDataset, wrong: dict[str, str]
) -> None:
    dataset = make_dataset("Old", keywords=["keep"])
    form = {"title": "New", "description": "", "keywords": "add"} | wrong
    assert bobs.post(f"/datasets/{dataset.pk}/edit", form).status_code == 422
    dataset.refresh_from_db()
    assert dataset.title == "Old"
    assert DatasetKeyword.objects.get().word == "keep"


def test_a_viewer_cannot_edit_and_is_not_offered_it(sign_in: SignIn, vera: User, dataset: Dataset) -> None:
    client = sign_in(vera)
    assert "Edit description" not in page(client, dataset)
    answer = client.post(f"/datasets/{dataset.pk}/edit", {"title": "Mine"})
    assert answer.status_code == 403
    assert "a manager of the project" in answer.content.decode()
