"""Every kind of event that the code records has words for people."""

import ast
from pathlib import Path

from django.conf import settings

from portal.actors import SYSTEM
from portal.audit import record
from portal.audit_words import AUDIT_WORDS, event_words, kind_words
from portal.models import Project

ROOMS = ["portal", "uploads", "sharing", "reminders", "keeping", "delivery"]


def recorded_kinds() -> set[str]:
    """The first argument of each call of ``record`` in the rooms."""
    found = set()
    for path in (path for room in ROOMS for path in Path(settings.BASE_DIR, room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                if name == "record" and node.args and isinstance(node.args[0], ast.Constant):
                    found.add(str(node.args[0].value))
    return found


def test_every_recorded_kind_has_words_and_no_words_are_left_over() -> None:
    assert len(recorded_kinds()) > 20
    assert recorded_kinds() == AUDIT_WORDS.keys()


def test_an_event_that_lacks_a_fact_is_told_all_the_same(project: Project) -> None:
    for kind in AUDIT_WORDS:
        assert event_words(record(kind, SYSTEM, project=project))


def test_a_kind_nobody_knows_any_more_is_told_by_its_name(project: Project) -> None:
    assert event_words(record("old_event", SYSTEM, project=project, subject="x")) == "old event x"
    assert kind_words("old_event") == "old event"


def test_a_download_is_told_from_its_continuation_and_from_a_scanner(project: Project) -> None:
    told = [
        event_words(record("downloaded", SYSTEM, project=project, what="zip", start=start, counted=counted))
        for start, counted in ((0, True), (9, True), (0, False))
    ]
    assert told == [
        "downloaded everything as a zip",
        "went on downloading everything as a zip",
        "fetched, by a program that only looks, everything as a zip",
    ]


def test_names_in_events_are_no_templates(project: Project) -> None:
    event = record("link_made", SYSTEM, project=project, subject="{actor.__class__} {bytes}")
    assert event_words(event) == "made a link for {actor.__class__} {bytes}"


def test_changed_fields_are_enumerated(project: Project) -> None:
    changes = {"name": ["a", "b"], "link_days": [1, 2], "reminder_days": [1, 2]}
    words = event_words(record("project_changed", SYSTEM, project=project, changes=changes))
    assert words == "changed the name, how long links last and how often people are reminded of the project"
