from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.live_portal import CONFIGURATION, Facility, LivePortal, copy_facility, make_facility

StartPortal = Callable[..., LivePortal]


@pytest.fixture(scope="session")
def facility(tmp_path_factory: pytest.TempPathFactory) -> Facility:
    return make_facility(tmp_path_factory.mktemp("facility"))


@pytest.fixture(scope="module")
def one_portal(facility: Facility, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    """One server for the tests of a file; a sender that is silent for three seconds is given up."""
    var = tmp_path_factory.mktemp("var")
    copy_facility(facility, var)
    portal = LivePortal(var, facility.secret, settings={"upload_idle_seconds": 3})
    try:
        portal.start()
        yield portal
    finally:
        portal.stop()


@pytest.fixture
def start_portal(facility: Facility, tmp_path: Path) -> Iterator[StartPortal]:
    """Starts servers that share one run-time folder; ends them with the test."""
    started: list[LivePortal] = []
    var = tmp_path / "var"
    copy_facility(facility, var)

    def start(configuration: Path = CONFIGURATION, **settings: object) -> LivePortal:
        portal = LivePortal(var, facility.secret, configuration, settings)
        started.append(portal)
        portal.start()
        return portal

    yield start
    for portal in started:
        portal.stop()
