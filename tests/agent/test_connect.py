"""A portal is tried before it is stored, and its token is for its owner alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from labcourier_agent.connect import portal_url
from labcourier_agent.settings import Folders, Portal, Portals
from tests.agent.conftest import Agent
from tests.agent.loopback_door import Fault
from tests.agent.loopback_portal import TOKEN, LoopbackPortal, listening_nowhere


def test_a_good_token_is_stored_for_its_owner_alone(agent: Agent, portal: LoopbackPortal, home: Path) -> None:
    result = agent("connect", portal.url, "--token", TOKEN)
    assert result.code == 0
    assert result.out == f"Connected to {portal.url} as CRYO: project Cryo, instrument Krios.\n"
    assert stat.S_IMODE((home / "portals.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert sorted(file.name for file in home.iterdir()) == ["portals.json"]


def test_the_token_may_come_from_the_environment(
    agent: Agent, portal: LoopbackPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABCOURIER_TOKEN", TOKEN)
    assert agent("connect", portal.url, "--json").document == {
        "name": "CRYO",
        "url": portal.url,
        "default": True,
        "project": {"code": "CRYO", "name": "Cryo"},
        "instrument": "Krios",
        "token_label": "Ada",
        "expires_at": None,
    }


def test_a_wrong_token_is_refused_in_the_portals_words_and_not_stored(
    agent: Agent, portal: LoopbackPortal, home: Path
) -> None:
    result = agent("connect", portal.url, "--token", "lcu_wrong")
    assert result.code == 4
    assert "This token is not known. Check that it was copied whole." in result.err
    assert not (home / "portals.json").exists()


def test_a_token_with_a_line_end_is_a_usage_error(agent: Agent, portal: LoopbackPortal) -> None:
    assert agent("connect", portal.url, "--token", f"{TOKEN}\n").code == 2


def test_a_host_without_address_is_not_found(agent: Agent) -> None:
    result = agent("connect", "https://no-such-host.invalid", "--token", TOKEN)
    assert result.code == 3
    assert "There is no address for no-such-host.invalid" in result.err


def test_a_port_where_nobody_listens_is_for_later(agent: Agent) -> None:
    with listening_nowhere() as url:
        result = agent("connect", url, "--token", TOKEN)
    assert result.code == 5
    assert "No connection to 127.0.0.1" in result.err


def test_something_else_than_a_portal_is_recognised(agent: Agent, portal: LoopbackPortal) -> None:
    result = agent("connect", f"{portal.url}/elsewhere", "--token", TOKEN)
    assert result.code == 3
    assert "not as a Labcourier portal" in result.err


def test_a_redirect_is_shown_and_not_followed(agent: Agent, portal: LoopbackPortal) -> None:
    portal.faults = [Fault("GET", status=301, headers={"Location": "https://portal.example.org/"})]
    result = agent("connect", portal.url, "--token", TOKEN)
    assert result.code == 4


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("portal.example.org", "https://portal.example.org"),
        ("https://portal.example.org/", "https://portal.example.org"),
        ("https://example.org:8443/portal/", "https://example.org:8443/portal"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    ],
)
def test_an_address_is_completed(address: str, url: str) -> None:
    assert portal_url(address) == url


@pytest.mark.parametrize("address", ["ftp://example.org", "https://", "https://a b", "https://me:pw@example.org", "::"])
def test_what_is_no_address_is_a_usage_error(agent: Agent, address: str) -> None:
    result = agent("connect", address, "--token", TOKEN)
    assert result.code == 2
    assert "https://portal.example.org" in result.err


def test_a_renewed_token_takes_the_place_of_the_old_one() -> None:
    known = Portals().with_portal(Portal("CRYO", "https://a", "old", "CRYO"), as_default=False)
    assert known.name_for("https://a", "CRYO") == "CRYO"
    renewed = known.with_portal(Portal("CRYO", "https://a", "new", "CRYO"), as_default=False)
    assert [portal.token for portal in renewed.known] == ["new"]


def test_the_first_portal_is_the_default_until_another_is_chosen() -> None:
    first = Portals().with_portal(Portal("CRYO", "https://a", "t", "CRYO"), as_default=False)
    name = first.name_for("https://b:8443", "CRYO")
    assert name == "CRYO@b:8443"
    second = first.with_portal(Portal(name, "https://b:8443", "t", "CRYO"), as_default=False)
    assert second.choose(None).url == "https://a"
    assert second.choose(name).url == "https://b:8443"
    third = second.with_portal(Portal("lab", "https://c", "t", "LAB"), as_default=True)
    assert third.choose(None).url == "https://c"


def test_a_portal_never_shows_its_token() -> None:
    assert "lcu_" not in repr(Portal("CRYO", "https://a", "lcu_secret", "CRYO"))


def test_a_damaged_settings_file_says_what_to_do(ada: Agent, home: Path, data: Path) -> None:
    (home / "portals.json").write_text("{")
    result = ada("send", data)
    assert result.code == 2
    assert "remove it and run `labcourier connect` again" in result.err


def test_without_a_home_of_its_own_the_platforms_folders_are_used() -> None:
    folders = Folders.from_environment({})
    assert folders.config.name == folders.state.name == "labcourier"
    assert folders.config.is_absolute()
