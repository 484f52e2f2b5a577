from hypothesis import given
from hypothesis import strategies as st

from dataplane.filetree import Child, list_folder
from dataplane.ziplayout import ZipLayout
from tests.dataplane.zip_samples import layout_of

FILES = {
    "Grid 1/a/1.tif": b"12345",
    "Grid 1/a/2.tif": b"123",
    "Grid 1/b.tif": b"1",
    "Grid 1-old/c.tif": b"12",
    "Grid 1.txt": b"",
    "Grid 10/d.tif": b"1234",
    "Ärger/é.tif": b"12",
    "z": b"1",
}


def all_children(layout: ZipLayout, folder: str, limit: int) -> list[Child]:
    found: list[Child] = []
    after: str | None = ""
    while after is not None:
        listing = list_folder(layout, folder, after=after, limit=limit)
        assert listing is not None
        assert len(listing.children) <= limit
        found += listing.children
        after = listing.after
    return found


def test_the_top_shows_folders_with_what_is_below_them() -> None:
    found = all_children(layout_of(FILES), "", 100)
    assert [(child.name, child.is_folder, child.files, child.size) for child in found] == [
        ("Grid 1-old", True, 1, 2),
        ("Grid 1.txt", False, 1, 0),
        ("Grid 1", True, 3, 9),
        ("Grid 10", True, 1, 4),
        ("z", False, 1, 1),
        ("Ärger", True, 1, 2),
    ]


def test_a_folder_shows_its_own_children_and_totals() -> None:
    listing = list_folder(layout_of(FILES), "Grid 1", limit=100)
    assert listing is not None
    assert [(child.path, child.files) for child in listing.children] == [("Grid 1/a", 2), ("Grid 1/b.tif", 1)]
    assert (listing.files, listing.size) == (3, 9)


def test_a_folder_that_is_not_there_is_none() -> None:
    for folder in ("Grid", "Grid 1/b.tif", "z", "Grid 1/", "../Grid 1", "nothing"):
        assert list_folder(layout_of(FILES), folder, limit=10) is None


def test_an_empty_dataset_has_an_empty_top() -> None:
    listing = list_folder(layout_of({}), "", limit=10)
    assert listing is not None
    assert listing.children == []


names = st.sampled_from(["a", "a-", "a.", "a0", "b", "é", "显"])
paths = st.lists(names, min_size=1, max_size=3).map("/".join)


@given(st.sets(paths, max_size=12), st.integers(1, 4))
def test_pages_of_any_size_show_each_child_once(wanted: set[str], limit: int) -> None:
    folders = {path.rpartition("/")[0] for path in wanted} | {path.split("/")[0] for path in wanted if "/" in path}
    kept = {path: b"x" for path in wanted if path not in folders}
    layout = layout_of(kept)
    tops = all_children(layout, "", limit)
    assert sorted(child.name for child in tops) == sorted({path.split("/")[0] for path in kept})
    assert sum(child.files for child in tops) == len(kept)


def test_a_page_in_a_large_folder_costs_what_it_shows() -> None:
    layout = layout_of({f"many/{number:06d}.tif": b"" for number in range(50_000)})
    looked_at = 0
    path_of = layout.path

    def counting(index: int) -> bytes:
        nonlocal looked_at
        looked_at += 1
        return path_of(index)

    layout.path = counting  # type: ignore[method-assign]
    listing = list_folder(layout, "many", after="025000.tif", limit=100)
    assert listing is not None
    assert listing.children[0].name == "025001.tif"
    assert looked_at < 200
