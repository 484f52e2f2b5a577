"""Paths and names of Windows, tried on any system: everything about them is text."""

from __future__ import annotations

import hashlib
import ntpath
from pathlib import Path, PureWindowsPath

import pytest

from labcourier_agent import scan
from labcourier_agent.compare import Result, Tally, compare, name_key
from labcourier_agent.names_windows import exact, exact_on_windows, readable_on_windows
from labcourier_agent.portal_client import PortalFile
from labcourier_agent.removal import is_within
from labcourier_agent.scan import Found, look_through
from tests.agent.conftest import Agent
from tests.agent.loopback_portal import LoopbackPortal


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("C:\\data\\run 7\\a.tif", "\\\\?\\C:\\data\\run 7\\a.tif"),
        ("c:/data/run/../a.tif", "\\\\?\\c:\\data\\a.tif"),
        ("\\\\nas\\share\\run\\a.tif", "\\\\?\\UNC\\nas\\share\\run\\a.tif"),
        ("C:\\data\\CON.tif", "\\\\?\\C:\\data\\CON.tif"),
        ("C:\\data\\ends with a dot.", "\\\\?\\C:\\data\\ends with a dot."),
        ("\\\\?\\C:\\data", "\\\\?\\C:\\data"),
        ("\\\\.\\PhysicalDrive0", "\\\\.\\PhysicalDrive0"),
        ("data\\a.tif", "data\\a.tif"),
        ("\\data", "\\data"),
        ("C:\\" + "long\\" * 60 + "a", "\\\\?\\C:\\" + "long\\" * 60 + "a"),
    ],
)
def test_a_path_is_taken_as_it_stands(path: str, wanted: str) -> None:
    assert exact_on_windows(path) == wanted
    if wanted != path:
        assert readable_on_windows(wanted) == ntpath.normpath(path)


def test_joining_keeps_the_prefix_and_the_name() -> None:
    """`os.scandir` and pathlib build on the prefixed folder."""
    top = PureWindowsPath(exact_on_windows("C:\\data"))
    assert str(top / "run." / "a") == "\\\\?\\C:\\data\\run.\\a"


def test_elsewhere_nothing_is_changed(tmp_path: Path) -> None:
    assert exact(str(tmp_path)) == str(tmp_path)


def test_folders_are_looked_through_by_their_exact_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "exact").mkdir()
    (tmp_path / "exact" / "a").touch()
    (tmp_path / "top").mkdir()
    monkeypatch.setattr(scan, "exact", lambda path: path.replace("top", "exact"))
    (found,) = look_through([str(tmp_path / "top")])
    assert isinstance(found, Found)
    assert (found.path, found.source) == ("a", str(tmp_path / "exact" / "a"))


@pytest.mark.parametrize(
    ("path", "top", "inside"),
    [
        ("C:\\Data\\run\\A.TIF", "c:\\data", True),
        ("\\\\?\\C:\\data\\run\\a.tif", "C:\\data\\run", True),
        ("\\\\?\\UNC\\NAS\\share\\a.tif", "\\\\nas\\share", True),
        ("C:\\data2\\a.tif", "C:\\data", False),
        ("D:\\data\\a.tif", "C:\\data", False),
    ],
)
def test_what_lies_in_a_folder_is_known_by_name(path: str, top: str, inside: bool) -> None:
    assert is_within(path, top, PureWindowsPath) is inside


def test_names_that_windows_refuses_are_sent_and_compared_elsewhere(
    ada: Agent, portal: LoopbackPortal, tmp_path: Path
) -> None:
    """The agent passes them on as they are; what the portal refuses is named, and the rest goes on."""
    folder = tmp_path / "data"
    (folder / "sub.").mkdir(parents=True)
    names = ["CON", "aux.txt", "dot.", "space ", "a:b", 'q"?*<>|', "sub./x"]
    for name in names:
        (folder / name).write_text(name)
    portal.refused_names = {"a:b"}
    sent = ada("send", folder, "--json")
    assert sent.code == 4
    assert [failure["path"] for failure in sent.document["failed"]] == ["a:b"]
    assert set(portal.dataset.files) == set(names) - {"a:b"}


def test_upper_and_lower_case_meet(tmp_path: Path) -> None:
    (tmp_path / "Image.TIF").write_bytes(b"a")
    there = PortalFile("image.tif", "", 1, "verified", hashlib.sha256(b"a").hexdigest(), "")
    (compared,) = compare([str(tmp_path)], iter([[there]]), size_only=False, tally=Tally())
    assert compared.result is Result.SAME
    assert name_key("GRÖSSE") == name_key("größe")


def test_the_choice_is_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    assert exact("C:\\data") == "\\\\?\\C:\\data"
