"""An agent that is killed again and again: every file is verified exactly once, and little is sent twice."""

import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.conftest import Found, StartPortal
from tests.faults.cutting_proxy import CuttingProxy, sent_again
from tests.faults.real_agent import Site, check_each_verified_once, make_files, wired_site
from tests.faults.sizes import times

pytestmark = [pytest.mark.promise("agent"), pytest.mark.slow]
MIB = 1024 * 1024
KILLS = times(10, 100)
FILES = times(400, 2000)
SEED = 20_261_122
IN_FLIGHT = 32 * MIB  # a bundle: the most that is under way in one piece, of which the portal keeps what came
OVERHEAD = 2048  # bytes a file: its header, padding and line of the manifest in a bundle


def sizes_of(files: int, chance: random.Random) -> dict[str, int]:
    """One in a hundred travels by itself, the others in bundles."""
    large = {f"movie {number}.mrc": chance.randint(9 * MIB, 14 * MIB) for number in range(files // 100)}
    small = {f"grid {number % 7}/{number:04}.tif": chance.randint(0, 250_000) for number in range(files - len(large))}
    return large | small


def kill_again_and_again(site: Site, run: Path, size: int, lives: list[float]) -> None:
    """Each life of the agent is so many seconds; the bandwidth is such that none of them is the last."""
    rate = f"{int(size / (sum(lives) + 1) / 1024)}K"
    for life in lives:
        process = site.agent.start("send", run, "--bwlimit", rate)
        time.sleep(life)
        assert process.poll() is None, "it ended before it was killed"
        process.kill()
        process.wait()


def check_nothing_is_sent_twice(proxy: CuttingProxy, size: int, files: int) -> int:
    """But for what was in flight at a kill; returns how many bytes that was."""
    again = sent_again(proxy.requests)
    assert max(again, default=0) <= IN_FLIGHT, f"{max(again)} bytes were sent again after one kill"
    unanswered = sum(request.passed for request in proxy.requests if request.method == "POST" and not request.status)
    in_flight = sum(again) + unanswered
    assert proxy.passed - in_flight <= size + files * OVERHEAD, "files are sent twice"
    return in_flight


def check_all(site: Site, digests: dict[str, str], size: int) -> int:
    check_each_verified_once(site.portal, digests)
    return check_nothing_is_sent_twice(site.proxy, size, len(digests))


def test_an_agent_that_is_killed_again_and_again_loses_nothing_and_sends_nothing_twice(
    start_portal: StartPortal, tmp_path: Path, found: Found
) -> None:
    chance = random.Random(SEED)  # noqa: S311  (the same moments each time)
    sizes = sizes_of(FILES, chance)
    digests = make_files(tmp_path / "run", sizes)
    size = sum(sizes.values())
    with wired_site(start_portal, tmp_path) as site:
        kill_again_and_again(site, tmp_path / "run", size, [chance.uniform(0.2, 2.0) for _ in range(KILLS)])
        site.agent.run("send", tmp_path / "run")
        in_flight = check_all(site, digests, size)
    found(
        f"seed {SEED}: {KILLS} kills over {FILES} files, {size / MIB:.0f} MiB; each verified once; "
        f"sent again {in_flight / MIB:.1f} MiB, all of it in flight at a kill"
    )


def throw_away(journal: Path) -> None:
    for file in journal.parent.glob(f"{journal.name}*"):
        file.unlink()


def forget_uploads(journal: Path) -> None:
    with closing(sqlite3.connect(journal)) as database, database:
        database.execute("UPDATE bundles SET upload_url = NULL WHERE state <> 'sent'")
        database.execute("UPDATE files SET upload_url = NULL WHERE state = 'sending'")


@pytest.mark.parametrize("mistake", [throw_away, forget_uploads])
def test_a_journal_that_remembers_less_would_be_noticed(
    start_portal: StartPortal, tmp_path: Path, found: Found, mistake: Callable[[Path], None]
) -> None:
    sizes = {"movie.mrc": 12 * MIB, **{f"{number}.tif": 100_000 for number in range(40)}}
    digests = make_files(tmp_path / "run", sizes)
    size = sum(sizes.values())
    with wired_site(start_portal, tmp_path) as site:
        process = site.agent.start("send", tmp_path / "run", "--bwlimit", "4M")
        while site.proxy.passed < size // 2:
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
        process.wait()
        mistake(site.agent.home / "journal.sqlite3")
        site.agent.run("send", tmp_path / "run")
        with pytest.raises(AssertionError, match=r"more than once|sent twice"):
            check_all(site, digests, size)
    found(f"planted after one kill: {mistake.__name__.replace('_', ' ')}; noticed")
