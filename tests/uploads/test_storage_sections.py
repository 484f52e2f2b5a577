"""What the storage report says of uploads that do not come on, and of agents that fell silent."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.uploads.conftest import Pc
from tests.uploads.test_heartbeat import beat
from uploads.models import Upload
from uploads.stalled import stalled_datasets
from uploads.storage_report import silent_agents, stalled_uploads


def test_nothing_is_told_while_all_is_well(ada: Pc) -> None:
    ada.post("/heartbeat", beat())
    now = timezone.now()
    assert (stalled_uploads(now), silent_agents(now)) == (None, None)


def test_a_silent_agent_is_told_with_what_waits_there(ada: Pc) -> None:
    ada.post("/heartbeat", beat())
    told = silent_agents(timezone.now() + timedelta(hours=2))
    assert told
    (row,) = told.rows
    assert [cell.text for cell in row][:3] == ["krios-pc", "Krios 2", "2 hours ago"]
    assert [cell.number for cell in row][3:] == [3, 900]


def test_stalled_uploads_are_told_by_dataset_and_those_left_out_are_counted(ada: Pc) -> None:
    for name in ("First", "Second"):
        dataset = ada.make_dataset(title=name)
        address = ada.start(1000, dataset=dataset, path="a.tif")
        ada.start(1000, dataset=dataset, path="b.tif")
        ada.patch(address, 0, b"x" * 250)
    later = timezone.now() + timedelta(minutes=20)
    told = stalled_uploads(later)
    assert told
    assert [[cell.text for cell in row][:3] for row in told.rows] == [
        ["First", "Electron microscopy", "2"],
        ["Second", "Electron microscopy", "2"],
    ]
    assert told.rows[0][3].share == pytest.approx(0.125)
    found, more = stalled_datasets(Upload.objects.all(), later, 1)
    assert ([each.dataset.title for each in found], more) == (["First"], 1)
