"""P3: between the real agent and the real portal, a cut line costs at most one chunk."""

import random
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import pytest

from tests.faults.conftest import Found, StartPortal
from tests.faults.cutting_proxy import Cut, Kind, Passed, sent_again
from tests.faults.live_portal import CONFIGURATION
from tests.faults.real_agent import check_each_verified_once, make_files, wired_site
from tests.faults.sizes import times

pytestmark = [pytest.mark.promise("P3"), pytest.mark.slow]
MIB = 1024 * 1024
CHUNK = 64 * MIB
CUTS = times(20, 200)
SEED = 20_261_121
TAKEOVER_WITHIN = 10.0  # seconds
PLANTED = Path(__file__).parent / "planted" / "records_at_the_end_only.py"
TRANSFERS = 4
SILENCE_BORNE = times(2, 5)  # seconds, of the agent: longer than the portal takes to flush what it has
LARGE = times(75 * MIB, 270 * MIB)  # more than a chunk; in a campaign also more than one PATCH
SIZES = {
    **{f"movie {number}.mrc": LARGE + number for number in range(TRANSFERS)},
    "map.mrc": 40 * MIB,
    "atlas.tif": 9 * MIB,
    "frame.tif": 3 * MIB,
    **{f"small/{number}.tif": 20_000 for number in range(200)},
}


def random_cuts(count: int, size: int) -> list[Cut]:
    """As many of each kind, in random order, at random bytes."""
    chance = random.Random(SEED)  # noqa: S311  (the same cuts each time)
    kinds = [kind for number in range(count) for kind in [list(Kind)[number % 3]]]
    chance.shuffle(kinds)
    places = sorted(chance.sample(range(size), count))
    return [Cut(kind, at) for kind, at in zip(kinds, places, strict=True)]


def takeovers(requests: Sequence[Passed]) -> list[float]:
    """Seconds from the first question after a half-open cut to the good answer, while the old writer still waits."""
    waits = []
    for place, request in enumerate(requests):
        if request.cut and request.cut.kind is Kind.HALF_OPEN and request.method == "PATCH":
            later = [then for then in requests[place + 1 :] if then.path == request.path]
            answered = next(then for then in later if then.status in (200, 204))
            waits.append(answered.answered_at - later[0].began_at)
    return waits


def check_little_is_sent_again(requests: Sequence[Passed], cuts: int) -> list[int]:
    again = sent_again(requests)
    assert max(again) <= CHUNK, f"{max(again) / MIB:.0f} MiB were sent again after one cut"
    assert sum(again) <= cuts * CHUNK
    return again


def test_a_cut_line_costs_at_most_one_chunk(start_portal: StartPortal, tmp_path: Path, found: Found) -> None:
    digests = make_files(tmp_path / "run", SIZES)
    with wired_site(start_portal, tmp_path, CONFIGURATION, timeout=SILENCE_BORNE) as site:
        site.proxy.cuts = random_cuts(CUTS, sum(SIZES.values()))
        site.agent.run("send", tmp_path / "run", "--transfers", TRANSFERS, within=3000)
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
        f"a half-open line taken over within {max(waits):.1f} s, half of them within {median(waits):.1f} s"
    )


def test_a_portal_that_forgets_what_a_cut_left_would_be_noticed(
    start_portal: StartPortal, tmp_path: Path, found: Found
) -> None:
    make_files(tmp_path / "run", {"movie.mrc": 120 * MIB})
    with wired_site(start_portal, tmp_path, PLANTED) as site:  # a reset line is noticed at once, a slow disk borne
        site.proxy.cuts = [Cut(Kind.HALF_OPEN, 100 * MIB)]
        site.agent.run("send", tmp_path / "run")
    with pytest.raises(AssertionError, match="100 MiB were sent again after one cut"):
        check_little_is_sent_again(site.proxy.requests, 1)
    found("planted: the portal keeps nothing of a broken PATCH; noticed")
