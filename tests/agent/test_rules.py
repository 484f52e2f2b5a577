"""Which dataset a file belongs to, and what the dataset is called."""

from __future__ import annotations

import time

import pytest

from labcourier_agent.details import Details
from labcourier_agent.rules import parse_split

NOON = int(time.mktime((2026, 11, 21, 12, 0, 0, 0, 0, -1)) * 1e9)


@pytest.mark.parametrize(
    ("split", "path", "key", "inside", "title"),
    [
        ("subfolder", "run-1/deep/a.tif", "run-1", "deep/a.tif", "run-1"),
        ("subfolder:2", "user/run-1/a.tif", "user/run-1", "a.tif", "user run-1"),
        ("day", "run-1/a.tif", "2026-11-21", "run-1/a.tif", "scope 2026-11-21"),
        (r"pattern:(?P<user>\w+)/(?P<title>[^/]+)/", "bob/a b/x", "user=bob&title=a%20b", "bob/a b/x", "a b"),
        (r"pattern:(?P<grid>g\d)(?P<side>x)?", "g1/a.tif", "grid=g1&side=", "g1/a.tif", "g1"),
    ],
)
def test_a_file_has_its_dataset(split: str, path: str, key: str, inside: str, title: str) -> None:
    rule = parse_split(split)
    assert rule.share_of(path, NOON) == (key, inside)
    assert rule.title(rule.values(key), "scope") == title


@pytest.mark.parametrize(
    ("split", "path"), [("subfolder", "loose"), ("subfolder:2", "a/loose"), ("pattern:(?P<t>x)", "y")]
)
def test_a_file_outside_of_all_datasets_has_none(split: str, path: str) -> None:
    assert parse_split(split).share_of(path, NOON) is None


@pytest.mark.parametrize(
    "text", ["", "week", "subfolder:0", "subfolder:x", "day:2", "pattern:", "pattern:(", "pattern:abc"]
)
def test_what_is_no_rule_is_said_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        parse_split(text)


def test_a_day_begins_at_local_midnight(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the day of 23 hours and the day of 25 hours too."""
    try:
        for zone, expected in (("Europe/Berlin", "2026-10-26"), ("America/St_Johns", "2026-10-25")):
            monkeypatch.setenv("TZ", zone)
            getattr(time, "tzset", lambda: None)()
            parse_split.__globals__["_day_of_quarter"].cache_clear()
            assert parse_split("day").share_of("a", 1_792_970_000 * 10**9) == (expected, "a")
    finally:
        monkeypatch.undo()
        getattr(time, "tzset", lambda: None)()
        parse_split.__globals__["_day_of_quarter"].cache_clear()


def test_groups_and_templates_fill_the_details() -> None:
    details = Details(title="{sample} of {folder}", recipients=("{user}@example.org",), metadata={"stage": "{sample}"})
    values = {"folder": "scope", "sample": "S1", "user": "bob", "keywords": "cryo,grid", "meta_voltage": "300"}
    fields, wrong = details.fill(values, title="unused")
    assert (fields["title"], fields["recipients"], fields["keywords"]) == (
        "S1 of scope",
        ("bob@example.org",),
        ("cryo", "grid"),
    )
    assert fields["metadata"] == {"voltage": "300", "stage": "S1"}
    assert wrong == []


def test_a_recipient_that_is_no_address_is_left_out_and_told() -> None:
    fields, wrong = Details(recipients=("{user}@example.org",)).fill({"user": "two words"}, title="T")
    assert (fields["recipients"], fields["title"], wrong) == ((), "T", ["two words@example.org"])
