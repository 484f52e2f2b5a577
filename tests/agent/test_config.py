"""The configuration of `watch`: every mistake is named, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from labcourier_agent.config import FolderEntry, parse_config
from labcourier_agent.mistakes import ConfigMistakes
from labcourier_agent.settings import Portal, Portals
from labcourier_agent.toml_lines import KeyLines

PORTALS = Portals((Portal("CRYO", "https://portal.example.org", "lcu_x", "CRYO"),), "CRYO")


def mistakes(text: str) -> dict[int, str]:
    with pytest.raises(ConfigMistakes) as caught:
        parse_config(text, PORTALS)
    return dict(caught.value.mistakes)


def folder(text: str) -> FolderEntry:
    (entry,) = parse_config(f"[[folder]]\npath = '{Path('/data').absolute()}'\n{text}", PORTALS).folders
    return entry


def test_all_mistakes_are_named_at_once_with_their_lines() -> None:
    found = mistakes(
        """\
transfers = 99
bwlimit = "fast"
schedule = "22:00"

[[folder]]
path = "data"                    # not from the root
dataset = "weekly"
recipents = ["rita@example.org"]
recipients = ["rita@example.org", "bob"]
links = "some"
keywords = [
    "one",
    2,
]

[folder.complete]
stable = "10 parsecs"
marker = "{nam}.done"

[[folder]]
path = "/other"
portal = "XRAY"
dataset = 'pattern:([a-z]+'
title = "{sample}"
[folder.close]
idle = -1
"""
    )
    assert sorted(found) == [1, 2, 3, 6, 7, 8, 9, 10, 11, 17, 18, 22, 23, 24, 26]
    assert "from 1 to 16" in found[1]
    assert "20M" in found[2]
    assert "22:00-06:00" in found[3]
    assert "from the root" in found[6]
    assert "subfolder" in found[7]
    assert "Did you mean recipients?" in found[8]
    assert "bob is no e-mail address" in found[9]
    assert "skip or files or all" in found[10]
    assert "list of texts" in found[11]
    assert "{name} is image.tif" in found[18]
    assert "Connected are: CRYO" in found[22]
    assert "no regular expression" in found[23]
    assert "{sample} is not known" in found[24]


def test_what_is_no_toml_is_told_with_its_line() -> None:
    assert list(mistakes('[[folder]]\npath = "C:\\data"\n')) == [2]


def test_a_configuration_without_folders_says_what_is_missing() -> None:
    assert "at least one [[folder]]" in mistakes("transfers = 4\n")[1]


def test_two_entries_that_would_send_one_file_need_labels() -> None:
    text = "[[folder]]\npath = '/data'\n[[folder]]\npath = '/data/sub'\n"
    assert "share files" in mistakes(text)[4]
    assert "watched twice" in mistakes("[[folder]]\npath = '/data'\n[[folder]]\npath = '/data'\n")[4]
    labelled = text.replace("path", "label = 'a'\npath", 1).replace(
        "path = '/data/sub'", "label = 'b'\npath = '/data/sub'"
    )
    assert len(parse_config(labelled, PORTALS).folders) == 2


def test_a_marker_that_would_close_every_day_is_refused() -> None:
    text = "[[folder]]\npath = '/data'\ndataset = 'day'\n[folder.close]\nmarker = 'END'\n"
    assert "{day}.done" in mistakes(text)[5]


def test_markers_are_not_sent_themselves() -> None:
    entry = folder('dataset = "day"\n[folder.complete]\nmarker = "{stem}.ok"\n[folder.close]\nmarker = "{day}.end"')
    assert not entry.filters.takes("deep/image.ok")
    assert not entry.filters.takes("2026-11-21.end")
    assert entry.filters.takes("image.tif")


def test_spans_of_time_are_seconds_or_words() -> None:
    entry = folder('[folder.complete]\nstable = 2.5\n[folder.close]\nidle = "2h"')
    assert (entry.complete.stable, entry.close.idle) == (2.5, 7200)


def test_lines_are_found_among_comments_strings_and_arrays() -> None:
    lines = KeyLines(
        '# [not.a.table]\na = """\nb = 1\n"""\nc = [ # ]\n  "]",\n]\n[t]\n"d e".f = { g = 1 }\n'
        "[[u]]\n[u.v]\nh = 1\n[[u]]\nh = 2\n"
    )
    places = {("a",): 2, ("c",): 5, ("t", "d e", "f", "g"): 9, ("u", 0, "v", "h"): 12, ("u", 1, "h"): 14}
    assert {place: lines.line_of(place) for place in places} == places
    assert lines.line_of(("nothing",)) == 1
