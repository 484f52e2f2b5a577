"""An instrument's page: how its agents are, how a computer is set up, what it asks."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.models import AuditEvent, Instrument, User
from tests.uploads.conftest import Pc
from tests.uploads.test_heartbeat import beat
from uploads.agent_pages import agents_address
from uploads.models import Agent, UploadToken

PAGE = "/projects/em/instruments/krios-2/"
TEMPLATE = f"{PAGE}metadata"


@pytest.fixture
def manager(alice: User, sign_in: Any) -> Client:
    client: Client = sign_in(alice)
    return client


def rows(*fields: dict[str, str], begun: int = 0, **more: str) -> dict[str, str]:
    posted = {f"form-{number}-{key}": value for number, row in enumerate(fields) for key, value in row.items()}
    return {"form-TOTAL_FORMS": str(len(fields)), "form-INITIAL_FORMS": str(begun), **posted, **more}


def test_the_page_shows_how_each_agent_is(ada: Pc, manager: Client, dataset: Any) -> None:
    trouble = {"path": "E:/frames", "state": "missing", "message": "The share is not mounted."}
    ada.post("/heartbeat", beat(agent_version="0.0.9", last_error="No network.", folders=[trouble]))
    page = manager.get(PAGE).content.decode()
    for words in ("krios-pc", "alive", "outdated", "E:/frames", "The share is not mounted.", "No network.", "90"):
        assert words in page
    assert dataset.title in page
    assert "Make the command" in page
    Agent.objects.update(silent_from=timezone.now())
    for address in (PAGE, f"{PAGE}agents", "/projects/em/instruments/"):
        assert "silent" in manager.get(address).content.decode()
    ada.post("/heartbeat", beat(stopping=True))
    assert "stopped" in manager.get(f"{PAGE}agents").content.decode()


def test_the_moving_part_costs_the_same_for_any_number_of_agents(
    ada: Pc, manager: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        ada.post("/heartbeat", beat(agent_id=f"5a4f0d31-53a2-4df3-9d3b-1d5c0f3a8a{number:02}", host=f"pc-{number}"))
    with django_assert_max_num_queries(7):
        assert manager.get(f"{PAGE}agents").content.decode().count("<article") == 12


def test_agents_without_an_instrument_have_a_page_of_their_own(ada: Pc, manager: Client) -> None:
    ada.post("/heartbeat", beat(host="a-laptop"))
    UploadToken.objects.update(instrument=None)
    assert "a-laptop" not in manager.get(PAGE).content.decode()
    token = Agent.objects.get().token
    address = agents_address(token.project, token.instrument)
    assert "a-laptop" in manager.get(address).content.decode()
    removal = f"/projects/em/agents/{Agent.objects.get().pk}/remove"
    assert manager.post(removal)["Location"] == address


def test_one_form_gives_one_command(manager: Client, instrument: Instrument) -> None:
    assert f'name="instrument" value="{instrument.pk}"' in manager.get(PAGE).content.decode()
    made = manager.post("/projects/em/upload-tokens/new", {"instrument": instrument.pk, "label": "Krios 2, control PC"})
    assert "labcourier connect" in made.content.decode()


def test_members_look_and_managers_decide(ada: Pc, bob: User, sign_in: Any) -> None:
    ada.post("/heartbeat", beat())
    operator: Client = sign_in(bob)
    page = operator.get(PAGE).content.decode()
    assert "krios-pc" in page
    assert "Make the command" not in page
    assert operator.post(f"/projects/em/agents/{Agent.objects.get().pk}/remove").status_code == 403


def test_an_agent_that_is_gone_for_good_is_removed(ada: Pc, manager: Client) -> None:
    ada.post("/heartbeat", beat())
    address = f"/projects/em/agents/{Agent.objects.get().pk}/remove"
    assert "Remove the agent on krios-pc?" in manager.get(address).content.decode()
    assert manager.post(address)["Location"] == PAGE
    assert not Agent.objects.exists()
    assert AuditEvent.objects.get(kind="agent_forgotten").subject == "krios-pc"


def test_what_an_instrument_asks_reaches_whoever_connects(ada: Pc, manager: Client) -> None:
    grid = {"name": "grid", "label": "Grid", "required": "on", "choices": "gold\n copper \n", "help": "On the box."}
    answer = manager.post(TEMPLATE, rows(grid, {"name": "sample", "label": "Sample"}, {"name": "", "label": ""}))
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    asked = ada.get("/connection").json()["metadata_template"]
    assert asked == [
        {"name": "grid", "label": "Grid", "required": True, "choices": ["gold", "copper"], "help": "On the box."},
        {"name": "sample", "label": "Sample", "required": False, "choices": [], "help": ""},
    ]
    assert "gold, copper · must be filled in" in manager.get(PAGE).content.decode()
    assert "gold\ncopper" in manager.get(TEMPLATE).content.decode()
    manager.post(TEMPLATE, rows({**grid, "DELETE": "on"}, {"name": "sample", "label": "Sample"}, begun=2))
    assert [field["name"] for field in ada.get("/connection").json()["metadata_template"]] == ["sample"]


def test_another_row_is_added_without_script_and_saves_nothing(manager: Client, instrument: Instrument) -> None:
    page = manager.post(TEMPLATE, rows({"name": "grid", "label": "Grid"}, add="1")).content.decode()
    assert 'value="grid"' in page
    assert 'name="form-1-name"' in page
    instrument.refresh_from_db()
    assert instrument.metadata_template == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ([{"name": "1st", "label": "First"}], "begins with a letter"),
        ([{"name": "a", "label": ""}], "Label"),
        ([{"name": "a", "label": "A"}, {"name": "A", "label": "B"}], "stands twice"),
        ([{"name": "a", "label": "A", "choices": "x\nx"}], "A choice stands twice"),
    ],
)
def test_a_mistake_is_named_and_nothing_typed_is_lost(
    manager: Client, instrument: Instrument, fields: list[dict[str, str]], said: str
) -> None:
    answer = manager.post(TEMPLATE, rows(*fields))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Nothing was saved yet" in page
    assert said in page
    assert f'value="{fields[0]["name"]}"' in page
    instrument.refresh_from_db()
    assert instrument.metadata_template == []
