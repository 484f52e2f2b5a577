"""The tree of files: folder by folder, page by page, two queries a page."""

import pytest
from pytest_django import DjangoAssertNumQueries

from portal.errors import Invalid
from portal.folders import Listing, list_folder, search_files
from portal.models import Dataset
from tests.portal.conftest import PutFiles


def names(listing: Listing) -> list[str]:
    return [f"{folder.name}/" for folder in listing.folders] + [file.path for file in listing.files]


def test_a_folder_shows_its_folders_then_its_files(dataset: Dataset, put_files: PutFiles) -> None:
    put_files(dataset, ["b.txt", "a.txt", "Disc 1/x.tif", "Disc 1/deep/y.tif", "Disc 2/z.tif"])
    assert names(list_folder(dataset.pk)) == ["Disc 1/", "Disc 2/", "a.txt", "b.txt"]
    assert names(list_folder(dataset.pk, "Disc 1")) == ["deep/", "Disc 1/x.tif"]
    assert names(list_folder(dataset.pk, "Disc 1/deep")) == ["Disc 1/deep/y.tif"]
    assert names(list_folder(dataset.pk, "Disc 3")) == []


def test_a_folder_counts_what_lies_below_it_at_any_depth(dataset: Dataset, put_files: PutFiles) -> None:
    put_files(dataset, ["d/a", "d/e/b", "d/e/f/c"], size=7)
    put_files(dataset, ["d/bad"], state="corrupt", size=1)
    (folder,) = list_folder(dataset.pk).folders
    assert (folder.file_count, folder.bytes, folder.verified_count, folder.corrupt_count) == (4, 22, 3, 1)
    assert not folder.is_whole


def test_superseded_versions_are_not_shown(dataset: Dataset, put_files: PutFiles) -> None:
    put_files(dataset, ["a", "d/b"], state="superseded")
    assert names(list_folder(dataset.pk)) == []
    assert names(search_files(dataset.pk, text="a")) == []


def test_folders_that_differ_by_case_or_begin_alike_stay_apart(dataset: Dataset, put_files: PutFiles) -> None:
    put_files(dataset, ["disc/a", "Disc/b", "disc2/c", "disc%/d", "dis_/e"])
    assert names(list_folder(dataset.pk, "disc")) == ["disc/a"]
    assert names(list_folder(dataset.pk, "Disc")) == ["Disc/b"]
    assert names(list_folder(dataset.pk, "disc%")) == ["disc%/d"]
    assert len(list_folder(dataset.pk).folders) == 5


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_pages_give_each_folder_and_file_once(dataset: Dataset, put_files: PutFiles, size: int) -> None:
    put_files(dataset, [f"folder {number}/x" for number in range(7)] + [f"file {number}" for number in range(7)])
    seen, cursor = [], ""
    while True:
        page = list_folder(dataset.pk, "", cursor, size)
        seen += names(page)
        if page.next is None:
            break
        cursor = page.next
    assert seen == names(list_folder(dataset.pk, size=1000))
    assert len(seen) == 14


def test_ten_thousand_files_cost_two_queries_a_page(
    dataset: Dataset, put_files: PutFiles, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    put_files(dataset, [f"Grid {number // 100}/image {number}.tif" for number in range(10_000)])
    with django_assert_num_queries(2):
        root = list_folder(dataset.pk)
    assert (len(root.folders), root.folders[0].file_count) == (100, 100)
    with django_assert_num_queries(2):
        assert len(list_folder(dataset.pk, "Grid 7").files) == 100


def test_a_search_finds_files_in_all_folders_by_part_of_the_path_or_state(
    dataset: Dataset, put_files: PutFiles
) -> None:
    put_files(dataset, ["a/Sum.mrc", "b/sum2.mrc", "b/raw.tif"])
    put_files(dataset, ["c/bad.mrc"], state="corrupt")
    assert names(search_files(dataset.pk, text="SUM")) == ["a/Sum.mrc", "b/sum2.mrc"]
    assert names(search_files(dataset.pk, state="corrupt")) == ["c/bad.mrc"]
    assert names(search_files(dataset.pk, text="100%")) == []


def test_a_search_goes_on_where_it_stopped(dataset: Dataset, put_files: PutFiles) -> None:
    put_files(dataset, [f"x{number:03}" for number in range(25)])
    first = search_files(dataset.pk, text="x", size=10)
    second = search_files(dataset.pk, text="x", cursor=str(first.next), size=10)
    assert names(second)[0] == "x010"


def test_a_cursor_that_is_none_is_refused(dataset: Dataset) -> None:
    with pytest.raises(Invalid):
        list_folder(dataset.pk, "", "elsewhere:x")


def test_the_way_to_a_folder_is_told_step_by_step(dataset: Dataset) -> None:
    assert list_folder(dataset.pk, "a/b").crumbs == [("a", "a"), ("b", "a/b")]
