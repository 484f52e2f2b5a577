"""P5: a link ends at its minute though nothing runs but the web server, and revoking holds at the next request."""

import random
from datetime import datetime, timedelta
from unittest.mock import patch

import pytest
from django.test import Client
from django.utils import timezone

from portal.actors import SYSTEM
from sharing.access import find_link
from sharing.models import RenewalPolicy, ShareLink, Way
from sharing.services.by_hand import revoke_link
from sharing.services.more_time import ask_for_more_time
from sharing.services.terms import NewTerms, change_terms
from tests.faults.conftest import Found
from tests.faults.sizes import times
from tests.portal.matrix_world import World, make_world

JUMPS = times(20, 100)
SEED = 20_261_121
TICK = timedelta(microseconds=1)
ADDRESSES = [
    "s/<str:token>", "s/<str:token>/<str:name>.zip", "s/<str:token>/files/<path:path>", "s/<str:token>/tree/",
    "s/<str:token>/tree/<path:path>", "s/<str:token>/manifest-sha256.txt", "api/v1/shared/<token>",
    "api/v1/shared/<token>/files",
]  # fmt: skip

pytestmark = [pytest.mark.promise("P5"), pytest.mark.django_db]


def moments_about(link: ShareLink, chance: random.Random) -> datetime:
    """Near an edge of the link's time more often than not; else anywhere within years, also before."""
    edge = chance.choice([link.starts_at, link.expires_at])
    near = [timedelta(0), TICK, -TICK, timedelta(seconds=59), -timedelta(seconds=59)]
    far = [timedelta(hours=chance.uniform(-30, 30)), timedelta(days=chance.uniform(-900, 900))]
    return edge + chance.choice(near * 2 + far)


def answers(world: World, method: str, now: datetime) -> set[int]:
    """The statuses of all addresses at `now`, by somebody and by a member who has nothing to do with it."""
    statuses = set()
    with patch("django.utils.timezone.now", return_value=now):
        for role in ("nobody", "charlie"):
            client = Client(headers=world.headers[role])
            for address in ADDRESSES:
                how = "GET" if address.startswith("api/") else method
                answer = client.generic(how, world.address(address), headers={"Range": "bytes=3-6"})
                b"".join(answer) if answer.streaming else answer.content
                statuses.add(answer.status_code)
    return statuses


def test_a_link_follows_the_clock_wherever_it_jumps(found: Found) -> None:
    world, chance = make_world(), random.Random(SEED)  # noqa: S311  (the same jumps each time)
    asked, ended, renewed = 0, 0, 0
    policy = {"answer": RenewalPolicy.Answer.AT_ONCE, "days": 9, "most_times": 1000}
    RenewalPolicy.objects.create(project=find_link(world.samples["token"]).dataset.project, **policy)
    with patch("portal.queue.enqueue"):  # no worker, no scheduler: nobody but the web server
        for number in range(JUMPS):
            link = find_link(world.samples["token"])
            now = moments_about(link, chance)
            seen = answers(world, chance.choice(["GET", "HEAD"]), now)
            is_open = link.starts_at <= now < link.expires_at
            assert seen <= ({200, 206} if is_open else {410} if now >= link.expires_at else {409}), (number, now)
            asked, ended = asked + 2 * len(ADDRESSES), ended + (not is_open)
            if number % 5 == 2 and now >= link.expires_at and ask_for_more_time(link=link, actor=SYSTEM, now=now):
                renewed += 1  # by the policy, though nothing else runs
            elif number % 5 == 4:
                end = max(now, link.starts_at) + timedelta(hours=chance.uniform(1, 800))
                terms = NewTerms(end, None, list(Way.values))
                change_terms(link=link, terms=terms, actor=SYSTEM, now=now)
    assert renewed
    found(
        f"{JUMPS} jumps of the clock, {ended} of them out of the link's time, which was renewed {renewed} times; "
        f"{asked} requests answered rightly"
    )


def test_revoking_holds_at_the_next_request_at_whatever_time(found: Found) -> None:
    world = make_world()
    link = find_link(world.samples["token"])
    middle = link.starts_at + (link.expires_at - link.starts_at) / 2
    assert answers(world, "GET", middle) <= {200, 206}
    revoke_link(link=link, actor=SYSTEM, now=timezone.now())
    for now in (middle, link.starts_at, link.starts_at - TICK, link.expires_at, link.expires_at + timedelta(days=9)):
        assert answers(world, "GET", now) == {410}
    found(f"revoked, then {2 * len(ADDRESSES)} requests at five times: all refused")


def test_a_link_that_ends_by_the_scheduler_alone_would_be_noticed(found: Found) -> None:
    """The rule taken out: the clock is asked no more, only what the sweep wrote down."""
    world = make_world()
    link = find_link(world.samples["token"])
    late = link.expires_at + timedelta(minutes=1)
    with patch("sharing.access.authorise", side_effect=lambda token, now: find_link(token)):
        assert answers(world, "GET", late) & {200, 206}
    assert answers(world, "GET", late) == {410}
    found("with the clock not asked at each request, the same addresses went on giving data")
