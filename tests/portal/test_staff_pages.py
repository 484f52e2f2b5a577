"""The facility today, its instruments and people, and who gets in."""

import re
import shutil
from datetime import timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from portal.figures import disk, staff_figures
from portal.models import AuditEvent, Dataset, Instrument, Membership, Notice, Project, User
from tests.conftest import SignIn
from tests.portal.conftest import MakeDataset


@pytest.fixture
def sams(sign_in: SignIn, sam: User) -> Client:
    return sign_in(sam)


def figures() -> dict[str, tuple[str, str]]:
    return {figure.label: (figure.value, figure.tone) for figure in staff_figures(timezone.now())}


def test_the_day_is_told_in_figures(db: None, make_dataset: MakeDataset) -> None:
    now = timezone.now()
    long_ago = now - timedelta(days=2)
    Dataset.objects.filter(pk=make_dataset("New").pk).update(bytes_verified=1_500_000)
    make_dataset("Stuck", state="closed", created_at=long_ago, closed_at=long_ago)
    make_dataset("Unsent", state="released", created_at=long_ago, released_at=long_ago, dispatched_at=None)
    Dataset.objects.filter(pk=make_dataset("Bad", created_at=long_ago).pk).update(corrupt_count=1)
    Notice.objects.create(
        kind="invitation",
        subject_id="1",
        slot="x",
        to="r@lab.example",
        state="failed",
        last_error="x",
        message_id="<1>",
    )
    told = figures()
    assert told["Datasets today"] == ("1", "")
    assert told["Open now"] == ("2", "")
    assert told["Closed, not released"] == ("1", "warn")
    assert told["With corrupt files"] == ("1", "bad")
    assert told["Released, not handed over"] == ("1", "warn")
    assert told["Mails in trouble"] == ("1", "bad")
    assert told["Instruments heard"] == ("0 of 1", "")


def test_today_begins_at_midnight_of_the_reader(sams: Client, sam: User, make_dataset: MakeDataset) -> None:
    sam.time_zone = "Pacific/Kiritimati"
    sam.save()
    midnight = timezone.now().astimezone(ZoneInfo("Pacific/Kiritimati")).replace(hour=0, minute=0)
    make_dataset("Before", created_at=midnight - timedelta(minutes=2))
    make_dataset("After", created_at=midnight + timedelta(minutes=2))
    page = re.sub(r"\s+", " ", sams.get("/staff/").content.decode())
    assert re.search(r"Datasets today</dt> <dd>1</dd>", page)


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.mark.parametrize(("free", "tone"), [(500, ""), (90, "warn"), (9, "bad")])
def test_a_disk_that_fills_is_told_before_uploads_are_refused(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, free: int, tone: str
) -> None:
    settings.MIN_FREE_BYTES = 10
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1000, 1000 - free, free))
    used, left = disk(timezone.now())
    assert (used.tone, left.tone) == ("", tone)
    assert ("refused" in left.note) == (tone == "bad")


def test_the_day_costs_the_same_queries_however_much_there_is(
    sams: Client,
    make_dataset: MakeDataset,
    django_assert_num_queries: DjangoAssertNumQueries,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    make_dataset()
    with django_assert_max_num_queries(25) as asked:
        sams.get("/staff/")
    for number in range(15):
        make_dataset(f"Old {number}", created_at=timezone.now() - timedelta(days=3))
    with django_assert_num_queries(len(asked)):
        sams.get("/staff/")


def test_all_instruments_are_found_by_name_or_project(sams: Client, instrument: Instrument) -> None:
    other = Project.objects.create(code="xray", name="X-ray", contact_email="x@facility.example")
    Instrument.objects.create(project=other, name="Beamline 7", slug="bl-7", last_contact_at=timezone.now())
    everything = sams.get("/staff/instruments/").content.decode()
    assert "Krios 2" in everything
    assert "in contact" in everything
    found = sams.get("/staff/instruments/?q=x-RAY").content.decode()
    assert "Beamline 7" in found
    assert "Krios 2" not in found


def test_staff_make_accounts_and_find_people(sams: Client, bob: User) -> None:
    answer = sams.post("/staff/people/", {"email": "Dora@Lab.Example", "name": "Dora Dahl", "is_staff": "on"})
    assert answer.status_code == 302
    dora = User.objects.get(email="dora@lab.example")
    assert dora.is_staff
    assert not dora.is_superuser
    assert Notice.objects.get().to == dora.email
    found = sams.get("/staff/people/?q=DAHL").content.decode()
    assert "dora@lab.example" in found
    assert bob.email not in found


def test_an_account_that_is_there_is_told(sams: Client, bob: User) -> None:
    answer = sams.post("/staff/people/", {"email": bob.email})
    assert answer.status_code == 422
    assert "already" in answer.content.decode()
    answer = sams.post("/staff/people/", {"email": bob.email.upper()})
    assert answer.status_code == 422


def test_nobody_makes_themselves_superuser_by_the_form(sams: Client) -> None:
    sams.post("/staff/people/", {"email": "dora@lab.example", "is_superuser": "on", "is_active": "on"})
    assert not User.objects.get(email="dora@lab.example").is_superuser


PROJECT = {
    "name": "Cryo-EM service",
    "code": "cryo-em",
    "manager": "alice@facility.example",
    "contact_email": "em@facility.example",
    "description": "",
    "link_days": "30",
    "quota_bytes": "",
}


def test_staff_make_a_project_with_its_manager(sams: Client) -> None:
    answer = sams.post("/staff/projects/add", PROJECT)
    assert answer.headers["Location"] == "/projects/cryo-em/instruments/"
    assert Membership.objects.get().role == "manager"
    assert Project.objects.get().quota_bytes is None
    assert AuditEvent.objects.filter(kind="project_created", actor="sam@facility.example").exists()


@pytest.mark.parametrize("wrong", [{"code": "Cryo EM"}, {"code": ""}, {"manager": "alice"}, {"link_days": "0"}])
def test_a_project_that_makes_no_sense_is_told_and_not_made(sams: Client, wrong: dict[str, str]) -> None:
    answer = sams.post("/staff/projects/add", PROJECT | wrong)
    assert answer.status_code == 422
    assert "Cryo-EM service" in answer.content.decode()
    assert not Project.objects.exists()


def test_a_project_s_short_name_is_taken_once(sams: Client, project: Project) -> None:
    answer = sams.post("/staff/projects/add", PROJECT | {"code": project.code})
    assert answer.status_code == 422
    assert "already exists" in answer.content.decode()
