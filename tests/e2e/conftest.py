"""One portal for all end-to-end tests, one agent for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.running import Agent, Portal, whole_portal


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with whole_portal(tmp_path_factory.mktemp("portal") / "var") as portal:
        yield portal


@pytest.fixture
def ada(portal: Portal, tmp_path: Path) -> Iterator[Agent]:
    """An agent that is connected."""
    agent = Agent(tmp_path / "agent", tmp_path / "agent.log")
    outcome = agent.connect(portal.address, portal.facility["upload_token"])
    assert outcome.returncode == 0, outcome.stderr
    yield agent
    agent.switch_off()
