"""Projects and instruments change through services that check, audit, and lose nothing."""

import pytest

from portal.actors import Actor
from portal.errors import Invalid
from portal.models import AuditEvent, Instrument, Membership, Project, User
from portal.services.instruments import change_instrument, create_instrument
from portal.services.projects import change_project, create_project


@pytest.fixture
def staff(sam: User) -> Actor:
    return Actor.of_user(sam, "192.0.2.7")


def test_a_new_project_has_its_first_manager_and_is_audited(staff: Actor) -> None:
    project = create_project(
        actor=staff,
        code="em",
        name="Electron microscopy",
        contact_email="em@facility.example",
        manager="New@Lab.Example",
    )
    membership = Membership.objects.get(project=project)
    assert (membership.user.email, membership.role) == ("new@lab.example", "manager")
    kinds = list(AuditEvent.objects.order_by("id").values_list("kind", "actor", "project", "address"))
    assert kinds == [
        ("project_created", "sam@facility.example", "em", "192.0.2.7"),
        ("person_added", "sam@facility.example", "", "192.0.2.7"),
        ("member_added", "sam@facility.example", "em", "192.0.2.7"),
    ]


@pytest.mark.parametrize("code", ["", "Größe", "../etc", "a/b", "-x", "a" * 41, "UPPER"])
def test_a_code_that_is_no_folder_name_is_refused(staff: Actor, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        create_project(actor=staff, code=code, name="X", contact_email="x@facility.example")
    assert {field["field"] for field in refused.value.detail["fields"]} == {"code"}
    assert not AuditEvent.objects.exists()


def test_a_code_that_is_taken_is_refused_with_a_sentence(staff: Actor, project: Project) -> None:
    with pytest.raises(Invalid, match="already exists"):
        create_project(actor=staff, code=project.code, name="Other", contact_email="x@facility.example")


def test_a_project_with_a_wrong_manager_is_not_made_at_all(staff: Actor) -> None:
    with pytest.raises(Invalid):
        create_project(actor=staff, code="x", name="X", contact_email="x@facility.example", manager="nobody at all")
    assert not Project.objects.exists()
    assert not AuditEvent.objects.exists()


def test_only_what_differs_is_changed_and_told(staff: Actor, project: Project) -> None:
    change_project(project=project, actor=staff, name=project.name, link_days=14)
    event = AuditEvent.objects.get()
    assert (event.kind, event.detail) == ("project_changed", {"changes": {"link_days": [30, 14]}})
    change_project(project=project, actor=staff, link_days=14)
    assert AuditEvent.objects.count() == 1


def test_links_last_at_least_a_day(staff: Actor, project: Project) -> None:
    with pytest.raises(Invalid, match="link_days"):
        change_project(project=project, actor=staff, link_days=0)
    assert Project.objects.get().link_days == 30


def test_instruments_of_the_same_name_get_slugs_of_their_own(staff: Actor, project: Project) -> None:
    slugs = [create_instrument(project=project, actor=staff, name="Krios 2").slug for _ in range(3)]
    assert slugs == ["krios-2", "krios-2-2", "krios-2-3"]


def test_a_name_without_letters_still_gives_a_slug(staff: Actor, project: Project) -> None:
    assert create_instrument(project=project, actor=staff, name="顕微鏡").slug == "instrument"


def test_an_instrument_keeps_its_slug_when_it_is_renamed(staff: Actor, instrument: Instrument) -> None:
    change_instrument(instrument=instrument, actor=staff, name="Krios 3")
    instrument.refresh_from_db()
    assert (instrument.name, instrument.slug) == ("Krios 3", "krios-2")
    assert AuditEvent.objects.get().detail == {"changes": {"name": ["Krios 2", "Krios 3"]}}


def test_an_instrument_needs_a_name(staff: Actor, project: Project) -> None:
    with pytest.raises(Invalid, match="name"):
        create_instrument(project=project, actor=staff, name="")
