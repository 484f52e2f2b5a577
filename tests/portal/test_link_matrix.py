"""Every address below a share link × method × state of the link (promise P5). An address without a line here fails.

The line says in which way data are taken there; "-" is looking, which every link allows. Whether a link is asked for
at all is in `test_access_matrix.py`.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from portal.models import Dataset, User
from sharing.models import ShareLink, Way
from tests.portal.matrix_world import World, all_routes, make_world
from tests.portal.test_access_matrix import ask, lines

WAYS = {
    "s/<str:token>": "-",
    "s/<str:token>/<str:name>.zip": "zip",
    "s/<str:token>/copy": "copy",
    "s/<str:token>/files/<path:path>": "files",
    "s/<str:token>/i-have-it": "-",
    "s/<str:token>/live": "-",
    "s/<str:token>/manifest-sha256.txt": "-",
    "s/<str:token>/more-time": "-",
    "s/<str:token>/no-reminders": "-",
    "s/<str:token>/not-me": "-",
    "s/<str:token>/password": "-",
    "s/<str:token>/push/<slug:kind>": "push",
    "s/<str:token>/selection": "zip",
    "s/<str:token>/tree/": "files",
    "s/<str:token>/tree/<path:path>": "files",
    "api/v1/shared/<token>": "-",
    "api/v1/shared/<token>/bundle": "files",
    "api/v1/shared/<token>/files": "-",
    "api/v1/shared/<token>/kit": "-",
    "api/v1/shared/<token>/more-time": "-",
    "api/v1/shared/<token>/verified": "-",
}
# What some addresses answer otherwise: more time may be asked for, and a password said, at the fitting moment alone;
# who is the wrong person knows no password, and says so all the same.
MORE_TIME, PASSWORD = "s/<str:token>/more-time", "s/<str:token>/password"
API_MORE_TIME = "api/v1/shared/<token>/more-time"
OTHERWISE = {(MORE_TIME, "expired"): "200", (API_MORE_TIME, "expired"): "200", (PASSWORD, "locked"): "422"}
OTHERWISE |= {(f"s/<str:token>/{name}", "locked"): "200" for name in ("i-have-it", "not-me", "no-reminders")}


def expire() -> None:
    past = timezone.now() - timedelta(seconds=1)
    ShareLink.objects.update(starts_at=past - timedelta(days=1), expires_at=past)


STATES: dict[str, tuple[str, Callable[[], object]]] = {
    "expired": ("410", expire),
    "revoked": ("410", lambda: ShareLink.objects.update(revoked_at=timezone.now())),
    "stopped": ("410", lambda: User.objects.filter(email__startswith="bob").update(is_active=False)),
    "data gone": ("410", lambda: Dataset.objects.update(state=Dataset.State.PURGED)),
    "not begun": ("409", lambda: ShareLink.objects.update(starts_at=timezone.now() + timedelta(hours=1))),
    "locked": ("401", lambda: ShareLink.objects.update(password_hash=make_password("grüne Wiese 7"))),
}


def requests() -> list[tuple[str, str]]:
    """Each method that the table of access names for an address below a link, and HEAD."""
    told = [(method, route) for method, route in lines() if route in WAYS]
    return told + [("HEAD", route) for method, route in told if method == "GET" and not route.startswith("api/")]


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def test_every_address_below_a_link_has_its_line() -> None:
    assert {route for route in all_routes() if route.startswith(("s/", "api/v1/shared/"))} == set(WAYS)


@pytest.mark.parametrize("state", STATES)
def test_a_link_that_does_not_work_answers_so_at_every_address(world: World, state: str) -> None:
    status, bring_about = STATES[state]
    bring_about()
    wrong = []
    for method, route in requests():
        expected = OTHERWISE.get((route, state), "302" if route == MORE_TIME else status)
        seen = {role: ask(world, role, method, route) for role in ("nobody", "charlie", "alice")}
        if set(seen.values()) != {expected}:
            wrong.append(f"{method} {route}: {seen}, not {expected}")
    assert wrong == []


@pytest.mark.parametrize("closed", Way.values)
def test_a_way_that_is_closed_is_closed_at_each_of_its_addresses_and_at_no_other(world: World, closed: str) -> None:
    ShareLink.objects.update(ways=[way for way in Way.values if way != closed])
    wrong = []
    for method, route in requests():
        seen = ask(world, "alice", method, route)
        if (seen == "403") != (WAYS[route] == closed):
            wrong.append(f"{method} {route}: {seen}, though it is {WAYS[route]}")
    assert wrong == []


def test_a_link_that_is_used_up_gives_no_data_in_any_way(world: World) -> None:
    ShareLink.objects.update(most_downloads=1, downloads=1, file_rounds=1)
    data = [(method, route) for method, route in requests() if WAYS[route] != "-" and "selection" not in route]
    begun_elsewhere = ("tree/", "copy", "push/<slug:kind>")  # a listing; and forms, which ask when they are sent
    taking = [(method, route) for method, route in data if method != "HEAD" and not route.endswith(begun_elsewhere)]
    link = ShareLink.objects.get()
    link.receipts.create(
        kind="file", file=link.dataset.files.verified().get(), revision=1, bytes_total=13, first_at=timezone.now(),
        last_at=timezone.now(), takings=1, taking_whole=True,
    )  # fmt: skip
    assert {(route, ask(world, "nobody", method, route)) for method, route in taking} == {
        (route, "410") for _, route in taking
    }
