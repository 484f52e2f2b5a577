"""P3: between the real agent and the real portal, a cut line costs at most one chunk."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.conftest import Found, StartPortal
from tests.faults.cutting_proxy import Cut, CuttingProxy, Kind, Passed
from tests.faults.live_portal import CONFIGURATION, LivePortal
from tests.faults.real_agent import RealAgent, check_each_verified_once, make_files, working
from tests.faults.sizes import times

pytestmark = [pytest.mark.promise("P3"), pytest.mark.slow]
MIB = 1024 * 1024
CHUNK = 64 * MIB
CUTS = times(20, 200)
SEED = 20_261_121
TAKEOVER_WITHIN = 10.0  # seconds
PLANTED = Path(__file__).parent / "planted" / "records_at_the_end_only.py"
LARGE = times(1, 4)
SIZES = {
    **{f"movie {number}.mrc": 150 * MIB + number for number in range(LARGE)},
    **{f"map {number}.mrc": 40 * MIB for number in range(LARGE)},
    "atlas.tif": 9 * MIB,
    "frame.tif": 3 * MIB,
    **{f"small/{number}.tif": 20_000 for number in range(200)},
}


@dataclass(frozen=True)
class Site:
    proxy: CuttingProxy
    portal: LivePortal
    agent: RealAgent


@contextmanager
def cut_wire(start_portal: StartPortal, tmp_path: Path, configuration: Path) -> Iterator[Site]:
    proxy = CuttingProxy()
    portal = start_portal(configuration, url=proxy.address)
    proxy.upstream = portal.port
    agent = RealAgent(tmp_path / "home", timeout=2)
    with proxy.running(), working(portal):
        agent.connect(proxy.address, portal.secret)
        yield Site(proxy, portal, agent)


def random_cuts(count: int, size: int) -> list[Cut]:
    """As many of each kind, in random order, at random bytes."""
    chance = random.Random(SEED)  # noqa: S311  (the same cuts each time)
    kinds = [kind for number in range(count) for kind in [list(Kind)[number % 3]]]
    chance.shuffle(kinds)
    places = sorted(chance.sample(range(size), count))
    return [Cut(kind, at) for kind, at in zip(kinds, places, strict=True)]


def sent_again(requests: Sequence[Passed]) -> list[int]:
    """Bytes that went a second time, for each cut PATCH. What was acknowledged never does."""
    reached: dict[str, int] = {}
    acknowledged: dict[str, int] = {}
    again = []
    for request in requests:
        if request.method == "PATCH":
            assert request.offset >= acknowledged.get(request.path, 0), "acknowledged bytes are sent again"
            before = reached.get(request.path, 0)
            if before:
                again.append(max(before - request.offset, 0))
            reached[request.path] = max(before, request.offset + request.passed)
        if request.acknowledged is not None:
            acknowledged[request.path] = max(acknowledged.get(request.path, 0), request.acknowledged)
    return again


def takeovers(requests: Sequence[Passed]) -> list[float]:
    """Seconds from a half-open cut to the next good answer about the same upload, while the old writer still waits."""
    waits = []
    for place, request in enumerate(requests):
        if request.cut and request.cut.kind is Kind.HALF_OPEN and request.method == "PATCH":
            later = (then for then in requests[place + 1 :] if then.path == request.path and then.status in (200, 204))
            waits.append(next(later).answered_at - request.cut_at)
    return waits


def check_little_is_sent_again(requests: Sequence[Passed], cuts: int) -> list[int]:
    again = sent_again(requests)
    assert max(again) <= CHUNK, f"{max(again) / MIB:.0f} MiB were sent again after one cut"
    assert sum(again) <= cuts * CHUNK
    return again


def test_a_cut_line_costs_at_most_one_chunk(start_portal: StartPortal, tmp_path: Path, found: Found) -> None:
    digests = make_files(tmp_path / "run", SIZES)
    with cut_wire(start_portal, tmp_path, CONFIGURATION) as site:
        site.proxy.cuts = random_cuts(CUTS, sum(SIZES.values()))
        site.agent.run("send", tmp_path / "run", "--transfers", 2, within=3000)
        assert not site.proxy.cuts, f"{len(site.proxy.cuts)} cuts were not made"
        check_each_verified_once(site.portal, digests)
    requests = site.proxy.requests
    again = check_little_is_sent_again(requests, CUTS)
    assert site.proxy.passed <= sum(SIZES.values()) * 1.01 + CUTS * CHUNK  # 1 %: what the tar of small files adds
    waits = takeovers(requests)
    assert max(waits) < TAKEOVER_WITHIN
    found(
        f"seed {SEED}: {CUTS} cuts over {len(SIZES)} files, {sum(SIZES.values()) / MIB:.0f} MiB; "
        f"sent again {sum(again) / MIB:.1f} MiB in all, {max(again) / MIB:.1f} MiB after the worst cut; "
        f"a half-open line taken over within {max(waits):.1f} s"
    )


def test_a_portal_that_forgets_what_a_cut_left_would_be_noticed(
    start_portal: StartPortal, tmp_path: Path, found: Found
) -> None:
    make_files(tmp_path / "run", {"movie.mrc": 120 * MIB})
    with cut_wire(start_portal, tmp_path, PLANTED) as site:
        site.proxy.cuts = [Cut(Kind.HALF_OPEN, 100 * MIB)]
        site.agent.run("send", tmp_path / "run")
    with pytest.raises(AssertionError, match="100 MiB were sent again after one cut"):
        check_little_is_sent_again(site.proxy.requests, 1)
    found("planted: the portal keeps nothing of a broken PATCH; noticed")
