"""Projects as their members see and change them."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.models import AuditEvent, Dataset, Instrument, Membership, Project, User
from tests.conftest import SignIn
from tests.portal.conftest import MakeDataset


def text_of(content: bytes) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", content.decode()))


def test_members_see_their_own_projects_and_nobody_else_s(
    sign_in: SignIn, bob: User, charlie: User, project: Project
) -> None:
    Project.objects.create(code="secret", name="Secret project", contact_email="x@facility.example")
    page = sign_in(bob).get("/projects/").content.decode()
    assert "Electron microscopy" in page
    assert "Operator" in page
    assert "Secret project" not in page
    assert "You belong to no project yet" in sign_in(charlie).get("/projects/").content.decode()


def test_staff_see_every_project(sign_in: SignIn, sam: User, project: Project) -> None:
    assert "Electron microscopy" in sign_in(sam).get("/projects/").content.decode()


def test_the_list_shows_datasets_of_this_project_only(
    sign_in: SignIn, bob: User, project: Project, make_dataset: MakeDataset
) -> None:
    other = Project.objects.create(code="xray", name="X-ray", contact_email="x@facility.example")
    make_dataset("Ours")
    make_dataset("Theirs", project=other, instrument=None)
    page = sign_in(bob).get("/projects/em/").content.decode()
    assert "Ours" in page
    assert "Theirs" not in page


def test_filters_stay_in_the_address_from_page_to_page(
    sign_in: SignIn, bob: User, project: Project, make_dataset: MakeDataset
) -> None:
    for number in range(60):
        make_dataset(f"Ribosome {number}", keywords=["cryo"])
    make_dataset("Something else")
    page = sign_in(bob).get("/projects/em/?q=ribosome+cryo&state=open").content.decode()
    assert "Something else" not in page
    (older,) = re.findall(r'rel="next" href="([^"]+)"', page)
    assert "q=ribosome" in older
    assert "state=open" in older
    second = sign_in(bob).get(f"/projects/em/{older.replace('&amp;', '&')}").content.decode()
    assert len(re.findall(r'<a class="row-title" href="/datasets/', second)) == 10


def test_days_are_those_of_the_person(sign_in: SignIn, bob: User, make_dataset: MakeDataset) -> None:
    make_dataset("Late on Friday in Rome", created_at=datetime(2026, 11, 19, 23, 30, tzinfo=UTC))
    bob.time_zone = "Europe/Rome"
    bob.save()
    assert "Late on Friday" in sign_in(bob).get("/projects/em/?since=2026-11-20").content.decode()
    assert "Late on Friday" not in sign_in(bob).get("/projects/em/?until=2026-11-19").content.decode()


@pytest.mark.parametrize(
    "query", ["since=yesterday", "state=nonsense", "instrument=none", "q=%00", "until=9999-12-31", "q=" + "x" * 300]
)
def test_a_filter_that_makes_no_sense_is_told_and_breaks_nothing(
    sign_in: SignIn, bob: User, make_dataset: MakeDataset, query: str
) -> None:
    make_dataset("Still here")
    assert sign_in(bob).get(f"/projects/em/?{query}").status_code == 200


def test_a_cursor_that_is_none_is_told(sign_in: SignIn, bob: User) -> None:
    answer = sign_in(bob).get("/projects/em/?before=x")
    assert answer.status_code == 422
    assert "Open the list from its beginning" in answer.content.decode()


def test_the_list_costs_the_same_for_one_dataset_and_for_fifty(
    sign_in: SignIn,
    bob: User,
    make_dataset: MakeDataset,
    django_assert_num_queries: DjangoAssertNumQueries,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client = sign_in(bob)
    make_dataset(keywords=["a", "b"], recipients=["r@lab.example"])
    with django_assert_max_num_queries(10) as asked:
        client.get("/projects/em/?q=grid")
    for number in range(55):
        make_dataset(f"Grid {number}", keywords=["a", "b"], recipients=["r@lab.example"])
    with django_assert_num_queries(len(asked)):
        client.get("/projects/em/?q=grid")


# --- instruments ----------------------------------------------------------------------------------------------------


def test_instruments_say_when_they_were_heard_last(sign_in: SignIn, bob: User, instrument: Instrument) -> None:
    page = text_of(sign_in(bob).get("/projects/em/instruments/").content)
    assert "Krios 2" in page
    assert "never" in page
    now = timezone.now()
    Instrument.objects.update(
        last_contact_at=now - timedelta(minutes=3), last_contact_from="labcourier/0.1 at krios-pc"
    )
    page = text_of(sign_in(bob).get("/projects/em/instruments/").content)
    assert "3 minutes ago" in page
    assert "in contact" in page
    assert "krios-pc" in page


def test_a_manager_adds_and_renames_an_instrument(sign_in: SignIn, alice: User, project: Project) -> None:
    client = sign_in(alice)
    client.post("/projects/em/instruments/add", {"name": "Glacios", "description": "screening"})
    assert Instrument.objects.get().slug == "glacios"
    client.post("/projects/em/instruments/glacios/edit", {"name": "Glacios 1", "description": ""})
    instrument = Instrument.objects.get()
    assert (instrument.name, instrument.description) == ("Glacios 1", "")
    assert [event.kind for event in AuditEvent.objects.order_by("id")] == ["instrument_created", "instrument_changed"]
    assert AuditEvent.objects.last().actor == alice.email  # type: ignore[union-attr]


def test_a_form_with_an_error_keeps_what_was_entered(sign_in: SignIn, alice: User, project: Project) -> None:
    answer = sign_in(alice).post("/projects/em/instruments/add", {"name": "", "description": "kept words"})
    assert answer.status_code == 422
    assert "kept words" in answer.content.decode()
    assert not Instrument.objects.exists()


# --- people ---------------------------------------------------------------------------------------------------------


def test_everybody_in_the_project_sees_its_people_but_only_managers_the_form(
    sign_in: SignIn, alice: User, bob: User
) -> None:
    seen = sign_in(bob).get("/projects/em/people/").content.decode()
    assert "Alice Abel" in seen
    assert "Add to the project" not in seen
    assert "Add to the project" in sign_in(alice).get("/projects/em/people/").content.decode()


def test_a_manager_adds_changes_and_removes_people(sign_in: SignIn, alice: User, project: Project) -> None:
    client = sign_in(alice)
    client.post("/projects/em/people/", {"email": "dora@lab.example", "name": "Dora", "role": "viewer"})
    dora = User.objects.get(email="dora@lab.example")
    client.post(f"/projects/em/people/{dora.pk}/role", {"role": "operator"})
    assert Membership.objects.get(user=dora).role == "operator"
    asked = client.get(f"/projects/em/people/{dora.pk}/remove").content.decode()
    assert "Remove Dora?" in asked
    assert Membership.objects.filter(user=dora).exists()
    client.post(f"/projects/em/people/{dora.pk}/remove")
    assert not Membership.objects.filter(user=dora).exists()


def test_the_only_manager_is_told_why_they_stay(sign_in: SignIn, alice: User) -> None:
    answer = sign_in(alice).post(f"/projects/em/people/{alice.pk}/remove", follow=True)
    assert "is the only manager" in answer.content.decode()
    answer = sign_in(alice).post(f"/projects/em/people/{alice.pk}/role", {"role": "viewer"}, follow=True)
    assert "is the only manager" in answer.content.decode()


def test_an_unknown_role_is_refused_with_a_sentence(sign_in: SignIn, alice: User, bob: User) -> None:
    answer = sign_in(alice).post(f"/projects/em/people/{bob.pk}/role", {"role": "emperor"})
    assert answer.status_code == 422
    assert "manager, operator or viewer" in answer.content.decode()


def test_people_of_other_projects_cannot_be_reached_through_this_one(
    sign_in: SignIn, alice: User, charlie: User
) -> None:
    assert sign_in(alice).post(f"/projects/em/people/{charlie.pk}/remove").status_code == 404


def test_adding_a_member_again_is_told_beside_the_form(sign_in: SignIn, alice: User, bob: User) -> None:
    answer = sign_in(alice).post("/projects/em/people/", {"email": bob.email, "role": "viewer"})
    assert answer.status_code == 422
    assert "Change their role instead" in answer.content.decode()


# --- settings -------------------------------------------------------------------------------------------------------

POLICIES = {
    "name": "Cryo-EM",
    "description": "",
    "contact_email": "cryo@facility.example",
    "link_days": "14",
    "time_zone": "Europe/Rome",
    "quota_bytes": "1.5",
}


def test_a_manager_sets_the_policies(sign_in: SignIn, alice: User, project: Project) -> None:
    assert sign_in(alice).post("/projects/em/settings/", POLICIES).status_code == 302
    project.refresh_from_db()
    assert (project.name, project.link_days, project.time_zone) == ("Cryo-EM", 14, "Europe/Rome")
    assert project.quota_bytes == 1_500_000_000
    changed = AuditEvent.objects.get().detail["changes"]
    assert changed["link_days"] == [30, 14]
    assert changed["quota_bytes"] == [None, 1_500_000_000]


def test_saving_the_same_settings_again_changes_nothing(sign_in: SignIn, alice: User, project: Project) -> None:
    client = sign_in(alice)
    client.post("/projects/em/settings/", POLICIES)
    assert 'value="1.5"' in client.get("/projects/em/settings/").content.decode()
    client.post("/projects/em/settings/", POLICIES)
    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value"), [("link_days", "0"), ("link_days", "soon"), ("quota_bytes", "-1"), ("contact_email", "no one")]
)
def test_a_wrong_policy_is_told_and_nothing_is_changed(
    sign_in: SignIn, alice: User, project: Project, field: str, value: str
) -> None:
    answer = sign_in(alice).post("/projects/em/settings/", POLICIES | {field: value})
    assert answer.status_code == 422
    assert "Nothing was saved yet" in answer.content.decode()
    assert Project.objects.get().name == "Electron microscopy"


# --- home -----------------------------------------------------------------------------------------------------------


def test_home_shows_what_needs_this_person(
    sign_in: SignIn, bob: User, charlie: User, make_dataset: MakeDataset
) -> None:
    now = timezone.now()
    Dataset.objects.filter(pk=make_dataset("Damaged").pk).update(corrupt_count=2)
    make_dataset("Forgotten", created_at=now - timedelta(days=3))
    make_dataset("Just begun")
    page = text_of(sign_in(bob).get("/").content)
    assert "2 files did not match their checksums" in page
    assert "was begun 3 days ago and is still open; Krios 2 was never heard" in page
    assert "Just begun :" not in page
    strange = text_of(sign_in(charlie).get("/").content)
    assert "You belong to no project yet" in strange
    assert "Damaged" not in strange


def test_an_open_dataset_is_not_forgotten_while_its_instrument_is_heard(
    sign_in: SignIn, bob: User, make_dataset: MakeDataset
) -> None:
    make_dataset("Long run", created_at=timezone.now() - timedelta(days=3))
    Instrument.objects.update(last_contact_at=timezone.now())
    assert "Nothing needs you now" in text_of(sign_in(bob).get("/").content)


def test_home_costs_the_same_for_few_and_many_datasets(
    sign_in: SignIn,
    bob: User,
    make_dataset: MakeDataset,
    django_assert_num_queries: DjangoAssertNumQueries,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client = sign_in(bob)
    make_dataset()
    with django_assert_max_num_queries(15) as asked:
        client.get("/")
    for number in range(12):
        make_dataset(f"Damaged {number}", created_at=timezone.now() - timedelta(days=number))
    Dataset.objects.update(corrupt_count=1)
    with django_assert_num_queries(len(asked)):
        client.get("/")
