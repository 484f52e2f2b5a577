"""Globs, and what becomes of links."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from labcourier_agent.filters import Filters, Links
from labcourier_agent.scan import Found, Selection, look_through


@pytest.mark.parametrize(
    ("glob", "taken", "not_taken"),
    [
        ("*.tif", ["a.tif", "deep/a.tif", "x.tif/inside"], ["a.tiff", "tif"]),
        ("cache/", ["cache/a", "deep/cache/b/c"], ["cache", "mycache/a"]),
        ("raw/**", ["raw/a", "raw/b/c"], ["deep/raw/a", "raw"]),
        ("raw/*.tif", ["raw/a.tif"], ["raw/b/a.tif", "a.tif"]),
        ("**/raw/*", ["raw/a", "x/y/raw/a"], ["raw"]),
        ("/top.txt", ["top.txt"], ["deep/top.txt"]),
        ("image_[0-3]?.mrc", ["image_25.mrc"], ["image_45.mrc", "image_2.mrc"]),
        ("[!a]b", ["cb", "x/cb"], ["ab", "/b"]),
        ("a+(b).c", ["a+(b).c"], ["aab.c"]),
        ("sub\\*.tif", ["sub/a.tif"], ["a.tif"]),
        ("größe*", ["größer.tif"], ["grosse.tif"]),
    ],
)
def test_a_glob_means(glob: str, taken: list[str], not_taken: list[str]) -> None:
    included, excluded = Filters(include=(glob,)), Filters(exclude=(glob,))
    assert [path for path in (*taken, *not_taken) if included.takes(path)] == taken
    assert [path for path in (*taken, *not_taken) if not excluded.takes(path)] == taken


def test_names_that_differ_in_case_are_one_name_on_windows_alone() -> None:
    assert Filters(("*.TIF",), ignore_case=True).takes("a.tif")
    assert not Filters(("*.TIF",), ignore_case=False).takes("a.tif")
    assert Filters().ignore_case is (sys.platform == "win32")


def test_excluded_folders_are_not_entered_and_exclusion_wins() -> None:
    filters = Filters(("*.tif",), ("cache/",))
    assert not filters.enters("deep/cache")
    assert filters.enters("deep")
    assert not filters.takes("cache/a.tif")


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A folder with links to a file, to a folder, to itself, and to nothing."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "far.tif").write_bytes(b"far")
    top = tmp_path / "top"
    (top / "real").mkdir(parents=True)
    (top / "real" / "a.tif").write_bytes(b"a")
    (top / "file-link.tif").symlink_to(top / "real" / "a.tif")
    (top / "folder-link").symlink_to(tmp_path / "elsewhere")
    (top / "real" / "loop").symlink_to(top)
    (tmp_path / "elsewhere" / "back").symlink_to(top / "folder-link")
    (top / "nowhere").symlink_to(top / "missing")
    return top


@pytest.mark.parametrize(
    ("links", "paths"),
    [
        (Links.SKIP, ["real/a.tif"]),
        (Links.FILES, ["file-link.tif", "real/a.tif"]),
        (Links.ALL, ["file-link.tif", "folder-link/far.tif", "real/a.tif"]),
    ],
)
def test_links_are_followed_as_far_as_wanted_but_never_in_circles(linked: Path, links: Links, paths: list[str]) -> None:
    seen = list(look_through([str(linked)], selection=Selection(links=links)))
    assert sorted(entry.path for entry in seen if isinstance(entry, Found)) == paths
    assert all(not entry.serious for entry in seen if not isinstance(entry, Found))
