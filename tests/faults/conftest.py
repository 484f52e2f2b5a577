import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

from tests.faults.live_portal import CONFIGURATION, Facility, LivePortal, copy_facility, make_facility
from tests.faults.reports import Campaign
from tests.faults.sizes import CAMPAIGN

StartPortal = Callable[..., LivePortal]
Found = Callable[[str], None]
_campaign = Campaign()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "promise(name): the page of docs/reports that tells how it went")
    config.addinivalue_line("markers", "on_database(name): which one the portal has that is looked at")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    promise = item.get_closest_marker("promise")
    if promise and (report.when == "call" or report.outcome != "passed"):
        findings = [str(value) for name, value in report.user_properties if name == "found"]
        _campaign.add(promise.args[0], item.name, _database_of(item), report.outcome, report.duration, findings)
    return report


def _database_of(item: pytest.Item) -> str:
    """A portal in processes of its own has SQLite unless its test says otherwise; one in this process has its own."""
    if told := item.get_closest_marker("on_database"):
        return str(told.args[0])
    return "SQLite" if "facility" in getattr(item, "fixturenames", ()) else connection.display_name


def pytest_sessionfinish() -> None:
    if CAMPAIGN:
        _campaign.write()


@pytest.fixture
def found(request: pytest.FixtureRequest) -> Found:
    """Tells the report in words what was done: counts, seeds, and what came of it."""
    return lambda sentence: request.node.user_properties.append(("found", sentence))


@pytest.fixture(scope="session")
def facility(tmp_path_factory: pytest.TempPathFactory) -> Facility:
    return make_facility(tmp_path_factory.mktemp("facility"))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where the system has such a place: a flush that is only counted need not wait for a disk."""
    memory = Path("/dev/shm")
    if not memory.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="labcourier-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def one_portal(facility: Facility, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    """One server for the tests of a file. Nobody whose line is slow, or whose machine, is given up in their time."""
    with _portal(facility, tmp_path_factory.mktemp("var"), upload_idle_seconds=120) as portal:
        yield portal


@pytest.fixture(scope="module")
def hasty_portal(facility: Facility, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    """A sender that is silent for three seconds is given up."""
    with _portal(facility, tmp_path_factory.mktemp("var"), upload_idle_seconds=3) as portal:
        yield portal


@contextmanager
def _portal(facility: Facility, var: Path, **settings: object) -> Iterator[LivePortal]:
    copy_facility(facility, var)
    portal = LivePortal(var, facility.secret, settings=settings)
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
