"""Agents on the instruments' computers: one alive, one with trouble, one silent, one stopped."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from portal.services.instruments import change_instrument
from tests.browser.facility.moved_clock import Story
from tests.browser.facility.people import House
from uploads.services.heartbeat import Beat, hear
from uploads.services.silence import tell_silent_agents

TB = 10**12
ASKS = [
    {
        "name": "grid_type",
        "label": "Grid type",
        "required": True,
        "choices": ["Quantifoil R1.2/1.3", "UltrAuFoil", "Lacey"],
        "help": "As written on the box.",
    },
    {"name": "sample_id", "label": "Sample number", "required": True, "choices": [], "help": ""},
    {"name": "remarks", "label": "Remarks", "required": False, "choices": [], "help": "Ice, drift, anything unusual."},
]


def let_report(story: Story, house: House) -> None:
    """Comes last in the story: what the agents said when they were last heard."""
    alive = _beat("krios-2-control", 12, "Windows 10 Enterprise, build 19045", story.now - timedelta(days=6))
    trouble = replace(
        _beat("krios-2-offload", 5, "Linux 6.1, Debian 12", story.now - timedelta(hours=5)),
        version="0.0.9",
        folders=[
            _folder("/mnt/k3/frames", "watching", 1284, 3_912_000_000_000, 2),
            _folder("/mnt/falcon4i", "missing", 0, 0, 0, "The share is not mounted. Mount it; watching goes on then."),
        ],
        queue_files=1284,
        queue_bytes=3_912_000_000_000,
        last_error="The portal had no room: the project's quota is used up. It is tried again every minute.",
        last_error_at=story.now - timedelta(minutes=2),
        disk_free=TB // 2,
    )
    silent = _beat("glacios-control", 3, "Windows 10 Enterprise, build 19045", story.now - timedelta(days=20))
    stopped = replace(_beat("aquilos-data", 0, "Windows 11 Pro", story.now - timedelta(days=2)), stopping=True)
    _say(story, house, "krios", alive, story.now)
    _say(story, house, "krios", trouble, story.now)
    _say(story, house, "glacios", silent, story.now - timedelta(hours=2))
    _say(story, house, "aquilos", stopped, story.now - timedelta(hours=9))
    noticed = story.now - timedelta(hours=1, minutes=54)
    story.at(noticed, lambda: tell_silent_agents(now=noticed))
    asked = story.now - timedelta(days=12)
    fields: Any = {"metadata_template": ASKS}
    story.at(
        asked,
        lambda: change_instrument(instrument=house.instruments["krios"], actor=house.actor("alice"), **fields),
    )


def _say(story: Story, house: House, instrument: str, beat: Beat, moment: datetime) -> None:
    story.at(moment, lambda: hear(sender=house.sender(instrument), beat=beat, now=moment))


def _beat(host: str, waiting: int, platform: str, started_at: datetime) -> Beat:
    size = waiting * 1_430_000_000
    return Beat(
        agent_id=uuid5(NAMESPACE_URL, host),
        host=host,
        version="0.1.0",
        platform=platform,
        interval_s=60,
        started_at=started_at,
        folders=[_folder("D:/Acquisition/Sessions", "watching", waiting, size, 1)],
        queue_files=waiting,
        queue_bytes=size,
        last_error="",
        last_error_at=None,
        disk_free=3 * TB,
        disk_total=8 * TB,
        stopping=False,
    )


def _folder(path: str, state: str, files: int, size: int, datasets: int, message: str = "") -> dict[str, Any]:
    return {
        "path": path,
        "state": state,
        "files_waiting": files,
        "bytes_waiting": size,
        "datasets_open": datasets,
        "message": message,
    }
