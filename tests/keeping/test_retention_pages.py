"""What people see of retention, and what they do about it on the pages."""

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test import Client

from keeping.figures import deletions
from keeping.lists import deletions_until, holds, restorable
from keeping.models import Keeping
from keeping.needs import soon_deleted
from keeping.services.retention import keep_by_the_clock
from keeping.storage_report import held, next_deletions
from portal.models import Dataset, Project, User
from tests.conftest import SignIn
from tests.keeping.conftest import MakeDataset
from tests.keeping.retention_story import a_class, at, day, everything, keeping_of, released, state_of


@pytest.fixture(autouse=True)
def in_april(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", at(25))


@pytest.fixture
def dataset(make_dataset: MakeDataset, project: Project, alice: User) -> Dataset:
    made = make_dataset({"a": b"1"}, name="run-1", **released())
    a_class(project)
    everything(16)
    return made


def said(client: Client, address: str) -> str:
    return " ".join(client.get(address).content.decode().split())


def test_a_manager_holds_releases_extends_deletes_and_restores(dataset: Dataset, alice: User, sign_in: SignIn) -> None:
    client, page = sign_in(alice), f"/datasets/{dataset.pk}/keeping"
    assert "It is deleted on <time" in said(client, page)
    client.post(f"{page}/hold", {"reason": "Under review"})
    assert "by alice@facility.example" in said(client, page)
    assert "Under review" in said(client, f"/datasets/{dataset.pk}/")
    assert client.post(f"{page}/delete").status_code == 409
    client.post(f"{page}/release")
    assert "Keep “A run” longer?" in said(client, f"{page}/extend")
    client.post(f"{page}/extend")
    assert keeping_of(dataset).extended_until == day(25 + 14 + 30)  # the notice began anew after the hold
    client.post(f"{page}/delete")
    assert state_of(dataset) == "expired"
    told = said(client, f"/datasets/{dataset.pk}/")
    assert "It can be restored until" in told
    assert "Download" not in told
    client.post(f"{page}/restore")
    assert state_of(dataset) == "released"


def test_a_class_is_made_changed_and_removed(dataset: Dataset, alice: User, sign_in: SignIn) -> None:
    client, tab = sign_in(alice), "/projects/em/keeping/"
    wish = {"name": "short", "days": 2, "counted_from": "release", "grace_days": 1, "extension_days": 1}
    assert client.post(f"{tab}add", {**wish, "days": 1, "most_extensions": 0}).status_code == 422
    assert client.post(f"{tab}add", {**wish, "name": "A month", "most_extensions": 0}).status_code == 422
    assert client.post(f"{tab}add", {**wish, "most_extensions": 0, "is_default": "on"}).status_code == 302
    short = dataset.project.retention_classes.get(name="short")
    assert dataset.project.retention_classes.get(is_default=True) == short
    client.post(f"{tab}{short.pk}/edit", {**wish, "most_extensions": 0, "days": 50})
    assert "50 days" in said(client, tab)
    client.post(f"/datasets/{dataset.pk}/keeping", {"retention": short.pk, "owner": "ito@institute.example"})
    assert keeping_of(dataset).owner_email == "ito@institute.example"
    assert client.post(f"{tab}{short.pk}/remove").status_code == 409
    client.post(f"/datasets/{dataset.pk}/keeping", {"retention": "", "owner": ""})
    assert client.post(f"{tab}{short.pk}/remove").status_code == 302


def test_staff_and_managers_are_told_what_goes_next(
    dataset: Dataset, alice: User, bob: User, sam: User, sign_in: SignIn
) -> None:
    keep_by_the_clock(clock=at(25))
    assert "run-1" in said(sign_in(sam), "/staff/deletions/")
    assert [need.subject for need in soon_deleted(alice, day(25))] == ["A run"]
    assert soon_deleted(bob, day(25)) == []
    assert [figure.value for figure in deletions(day(25))] == ["1"]
    section = next_deletions(day(25))
    assert section
    assert [[cell.text for cell in row] for row in section.rows] == [
        ["A run", "Electron microscopy", "Tuesday 31 March 2026", "1\xa0B"]
    ]
    assert held(day(25)) is None


@pytest.mark.parametrize(
    ("rows", "index"),
    [
        (deletions_until(day(50), Project.objects.all()), "keepings_by_deletion"),
        (holds(Project.objects.all()), "keepings_held"),
        (restorable(Project.objects.all()), "keepings_to_purge"),
    ],
)
def test_lists_of_what_goes_begin_with_the_few_rows_in_them(rows: QuerySet[Keeping], index: str, db: None) -> None:
    """As the database says that it would go about it; PostgreSQL walks tables as small as those of tests."""
    if connection.vendor == "sqlite":
        first, *_ = [line for line in rows.explain().splitlines() if "SEARCH" in line or "SCAN" in line]
        assert index in first
    else:
        assert list(rows) == []


def test_a_list_that_is_cut_says_so(
    dataset: Dataset, sam: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in(sam)
    assert "move up" not in said(client, "/staff/deletions/")
    monkeypatch.setattr("keeping.views.staff.SHOWN", 1)
    assert "These go first; the next ones move up." in said(client, "/staff/deletions/")


def test_a_manager_keeps_it_until_a_day_of_their_choice_and_an_operator_as_the_class_says(
    dataset: Dataset, alice: User, bob: User, sign_in: SignIn
) -> None:
    page = f"/datasets/{dataset.pk}/keeping/extend"
    for day_named, refused in [
        ("2026-03-31", "Choose a later day"),
        ("9999-12-31", "too far away"),
        ("soon", "Enter a valid date"),
    ]:
        answer = sign_in(alice).post(page, {"until": day_named})
        assert (answer.status_code, refused in answer.content.decode()) == (422, True)
    assert 'name="until"' in said(sign_in(alice), page)
    assert 'name="until"' not in said(sign_in(bob), page)
    sign_in(bob).post(page, {"until": "2026-12-24"})
    assert keeping_of(dataset).extended_until == day(30 + 30)
    assert "It is kept until Thursday 24 December 2026." in " ".join(
        sign_in(alice).post(page, {"until": "2026-12-24"}, follow=True).content.decode().split()
    )
    assert str(keeping_of(dataset).extended_until) == "2026-12-24 23:59:59.999999+00:00"
    assert keeping_of(dataset).extensions == 1
