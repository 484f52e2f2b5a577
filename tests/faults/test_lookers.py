"""P7: mail filters, previews, prefetching and browsers that only load are no download; one click is one."""

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import CHROMIUM
from tests.faults.conftest import Found
from tests.faults.live_portal import LivePortal
from tests.faults.sizes import times
from tests.sharing.handover import Handover, handed_over, until
from tests.sharing.lookers import AHEAD, SCANNERS

ROUNDS = times(1, 12)
SEED = 20_261_121
SIZES = {"Grid 1/movie.mrc": 400_000, "notes.txt": 2_000}
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36"
HTML = {"User-Agent": CHROME, "Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
BYTES = ["/session.zip", "/files/notes.txt", "/files/Grid%201/movie.mrc", "/tree/notes.txt", "/manifest-sha256.txt"]
PAGES = ["", "?folder=Grid%201", "?find=mrc", "/tree/", "/tree/Grid%201/", "/selection?in=Grid%201", "/session.zip"]
PLANTED = Path(__file__).parent / "planted" / "lookers_count.py"
Look = tuple[str, str, dict[str, str]]

pytestmark = pytest.mark.promise("P7")


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handover]:
    with handed_over(tmp_path_factory.mktemp("handover") / "var", SIZES) as handover:
        yield handover


@pytest.fixture
def handover(portal: Handover) -> Handover:
    """As if nobody had been there yet, but for the audit, which forgets nothing."""
    portal.forget()
    return portal


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


def looks() -> list[Look]:
    """Each way of looking at each address: method, what stands behind the link, headers."""
    agents = [("GET", below, {"User-Agent": agent}) for agent in SCANNERS for below in (*BYTES, "")]
    ahead = [
        ("GET", below, {name.replace("_", "-"): at for name, at in how.items()}) for how in AHEAD for below in BYTES
    ]
    heads = [("HEAD", below, {"User-Agent": agent}) for agent in (CHROME, "Wget/1.21.4") for below in (*BYTES, *PAGES)]
    knocks = [("GET", below, {"Range": f"bytes=0-{last}"}) for below in BYTES for last in (0, 1)]
    return agents + ahead + heads + knocks + [("GET", below, HTML) for below in PAGES]


def look_at_everything(handover: Handover, chance: random.Random) -> dict[int, int]:
    """How often each status was answered."""
    statuses: dict[int, int] = {}
    for method, below, headers in chance.sample(looks(), len(looks())):
        status = handover.ask(method, handover.address + below, **headers)[0]
        statuses[status] = statuses.get(status, 0) + 1
    return statuses


def test_programs_that_look_count_nothing_and_one_click_counts_one(
    handover: Handover, page: Page, found: Found
) -> None:
    chance, answered = random.Random(SEED), dict[int, int]()  # noqa: S311  (the same order each time)
    audited = handover.counted()[2]
    for _ in range(ROUNDS):
        for status, number in look_at_everything(handover, chance).items():
            answered[status] = answered.get(status, 0) + number
        page.goto(handover.url(handover.address), wait_until="networkidle")
        page.get_by_role("link", name="Download all").hover()
    assert set(answered) <= {200, 206, 302}
    assert handover.counted() == (0, 0, audited)
    assert handover.link_state() == "opened"
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all").click()
    assert download.value.path().stat().st_size > sum(SIZES.values())
    until(lambda: handover.counted() == (1, 1, audited + 1))
    assert handover.link_state() == "complete"
    words = ", ".join(f"{number} × {status}" for status, number in sorted(answered.items()))
    found(
        f"{len(SCANNERS)} scanners, {ROUNDS} rounds of {len(looks())} requests ({words}) and of headless Chromium on "
        "the page: nothing counted; one click: 1"
    )


def test_a_download_resumed_in_five_ranges_counts_one(handover: Handover, found: Found) -> None:
    total = int(handover.ask("HEAD", handover.zip)[1]["Content-Length"])
    chance = random.Random(SEED)  # noqa: S311
    for _ in range(ROUNDS):
        handover.forget()
        cuts = sorted({0, total, *(chance.randrange(1, total) for _ in range(4))})
        for start, stop in pairwise(cuts):
            assert handover.ask("GET", handover.zip, Range=f"bytes={start}-{stop - 1}")[0] == 206
        until(lambda: handover.receipt().get("state") == "complete")
        assert handover.counted()[:2] == (1, 1)
    found(f"{ROUNDS} downloads in five ranges cut at random: {ROUNDS} counted")


def test_without_the_rule_the_lookers_would_be_noticed(handover: Handover, found: Found) -> None:
    faulty = LivePortal(handover.portal.var, secret="", configuration=PLANTED)
    before = handover.counted()
    try:
        faulty.start()
        look_at_everything(Handover(faulty, handover.address), random.Random(SEED))  # noqa: S311
    finally:
        faulty.stop()
    noticed = [now - then for now, then in zip(handover.counted(), before, strict=True)]
    assert min(noticed) > 0
    found("the rule taken out: {} downloads, {} receipts and {} audited ones were counted".format(*noticed))
