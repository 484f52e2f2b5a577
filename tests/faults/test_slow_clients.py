"""Slow clients do not stop others: pages answer while a crowd downloads by sips or never finishes its requests."""

import resource
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles

import psutil
import pytest

from tests.faults.conftest import Found
from tests.faults.sizes import CAMPAIGN, times
from tests.faults.slow_crowd import slow_crowd
from tests.sharing.handover import Handover, handed_over, until

pytestmark = pytest.mark.promise("P12")
SECONDS = times(test=3, campaign=60)
DOWNLOADS, DRIBBLERS = times(test=100, campaign=1000), times(test=50, campaign=500)
# Of each of two processes: few to spare, so a process that took more than its share would let pages wait. The
# campaign's is what a site has.
THREADS = times(test=80, campaign=1000)
PAGES = 20  # at least, however slow the machine
SLOWEST_PAGE = times(test=10, campaign=2)  # seconds; who waits for a slow client waits for a minute
MOST_MEMORY = 300  # MB, of all processes of the web server


@pytest.fixture(scope="module")
def handover(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handover]:
    """The server is started with as few open files as it would be by many a system, and sees to that itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    sizes = {"movie.mrc": 24 * 2**20, "tile.tif": 12 * 2**20}
    resource.setrlimit(resource.RLIMIT_NOFILE, (times(test=128, campaign=1024), hard))
    with handed_over(tmp_path_factory.mktemp("var"), sizes, web_processes=2, web_threads=THREADS) as handover:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * (DOWNLOADS + DRIBBLERS)), hard))
        yield handover
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(("downloads", "dribblers"), [(DOWNLOADS, 0), (0, DRIBBLERS), (DOWNLOADS, DRIBBLERS)])
def test_pages_answer_beside_a_slow_crowd(handover: Handover, found: Found, downloads: int, dribblers: int) -> None:
    paths = [handover.zip, f"{handover.address}/files/movie.mrc"]
    with slow_crowd(handover.portal.port, paths, downloads, dribblers) as crowd:
        until(lambda: crowd.served() == downloads)
        taken = _page_times(handover)
        memory = _memory(handover)
        served = crowd.served()
    slow = quantiles(taken, n=20, method="inclusive")[-1]
    found(
        f"{downloads} slow downloads and {dribblers} unfinished requests for {SECONDS} s: {len(taken)} pages, "
        f"95th percentile {slow * 1000:.0f} ms, slowest {max(taken) * 1000:.0f} ms, web server {memory:.0f} MB"
    )
    assert served == downloads
    assert slow < SLOWEST_PAGE
    assert memory < MOST_MEMORY or not CAMPAIGN


def test_a_process_that_has_no_thread_left_leaves_pages_to_the_other(tmp_path: Path, found: Found) -> None:
    """Three downloads leave one thread of four; a page that the wrong process took would wait for a download."""
    sizes = {"movie.mrc": 24 * 2**20}
    with (
        handed_over(tmp_path / "var", sizes, web_processes=2, web_threads=2) as few,
        slow_crowd(few.portal.port, [few.zip], 3, 0) as crowd,
    ):
        until(lambda: crowd.served() == 3)
        assert [few.ask("GET", "/healthz")[0] for _ in range(PAGES)] == [200] * PAGES
    found(f"three of four threads taken by downloads: {PAGES} pages answered")


def _page_times(handover: Handover) -> list[float]:
    """Of pages with and without the database; none may fail."""
    taken: list[float] = []
    end = time.monotonic() + SECONDS
    while time.monotonic() < end or len(taken) < PAGES:
        for path in ("/accounts/login/", handover.address):
            began = time.perf_counter()
            assert handover.ask("GET", path)[0] == 200
            taken.append(time.perf_counter() - began)
        time.sleep(0.05)
    return taken


def _memory(handover: Handover) -> float:
    """MB that these processes have for themselves."""
    whole = [psutil.Process(handover.portal.pid), *psutil.Process(handover.portal.pid).children(recursive=True)]
    return sum(process.memory_full_info().uss for process in whole) / 1e6
