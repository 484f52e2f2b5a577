"""Rooms meet by name: each name in the settings and each bell that is rung leads to something that exists."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

from portal.celery import app

ROOMS = ["portal", "uploads", "sharing", "reminders", "keeping", "delivery"]
FUNCTIONS = [
    *settings.DATASET_PANELS,
    *settings.DATASET_ROW_NOTES,
    *settings.LINK_NOTES,
    *settings.HOME_NEEDS,
    *settings.STAFF_FIGURES,
    *settings.STORAGE_REPORT_SECTIONS,
    *settings.WHEN_VERIFIED,
    *settings.MAILS.values(),
]


def bells() -> Iterator[str]:
    """The task names that the code hands to ``enqueue``."""
    for path in (path for room in ROOMS for path in Path(settings.BASE_DIR, room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "enqueue":
                assert isinstance(node.args[0], ast.Constant), f"{path}: a bell is rung by its written name"
                yield str(node.args[0].value)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_named_function_exists(name: str) -> None:
    assert callable(import_string(name))


def test_each_bell_and_each_tick_of_the_clock_is_a_registered_task() -> None:
    app.loader.import_default_modules()
    rung = set(bells()) | {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert len(rung) > 5
    assert rung - set(app.tasks) == set()
