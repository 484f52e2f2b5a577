"""The Django admin: behind allauth's log-in, audited, and read-only where services rule."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client

from portal.actors import SYSTEM
from portal.audit import broken_links, record
from portal.models import AuditEvent, Instrument, Project, User
from tests.conftest import MakeUser, SignIn
from tests.portal.conftest import MakeDataset


@pytest.fixture
def root(sign_in: SignIn, make_user: MakeUser) -> Client:
    return sign_in(make_user("root@facility.example", is_staff=True, is_superuser=True))


def test_every_noun_of_this_room_is_registered() -> None:
    registered = {model._meta.label for model in admin.site._registry}
    assert {model._meta.label for model in apps.get_app_config("portal").get_models()} <= registered


def test_its_log_in_is_allauth_s(client: Client, db: None) -> None:
    answer = client.get("/admin/login/?next=/admin/")
    assert answer.headers["Location"].startswith("/accounts/login/")
    answer = client.post("/admin/login/", {"username": "root@facility.example", "password": "x"})
    assert answer.headers["Location"].startswith("/accounts/login/")


def test_staff_without_further_rights_see_an_empty_index(sign_in: SignIn, sam: User) -> None:
    assert sign_in(sam).get("/admin/").status_code == 200
    assert sign_in(sam).get("/admin/portal/user/").status_code == 403


def test_every_list_and_form_opens(root: Client, make_dataset: MakeDataset, bob: User) -> None:
    record("seen", SYSTEM, dataset=make_dataset(keywords=["a"], recipients=["r@lab.example"]))
    for model in apps.get_app_config("portal").get_models():
        name = model._meta.model_name
        assert root.get(f"/admin/portal/{name}/").status_code == 200, name
        row = model._default_manager.first()
        if row:
            assert root.get(f"/admin/portal/{name}/{row.pk}/change/").status_code == 200, name


@pytest.mark.parametrize("name", ["auditevent", "audithead", "notice", "dataset", "datafile"])
def test_what_services_write_is_read_only(root: Client, make_dataset: MakeDataset, name: str) -> None:
    record("seen", SYSTEM, dataset=make_dataset())
    assert root.get(f"/admin/portal/{name}/add/").status_code == 403
    row = apps.get_model("portal", name)._default_manager.first()
    if row:
        assert root.post(f"/admin/portal/{name}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
        assert root.post(f"/admin/portal/{name}/{row.pk}/change/", {"kind": "forged"}).status_code == 403
    assert AuditEvent.objects.filter(kind="seen").count() == 1
    assert list(broken_links()) == []


def test_a_change_there_is_told_to_the_audit(root: Client, instrument: Instrument) -> None:
    form = {"project": instrument.project_id, "name": "Krios 3", "slug": instrument.slug, "description": ""}
    assert root.post(f"/admin/portal/instrument/{instrument.pk}/change/", form).status_code == 302
    event = AuditEvent.objects.get(kind="changed_in_admin")
    assert (event.actor, event.subject) == ("root@facility.example", "instrument Krios 3")
    assert event.detail["action"] == "changed Name"


def test_adding_and_deleting_there_is_told_too(root: Client, project: Project) -> None:
    form = {"email": "Dora@Lab.Example", "name": "", "usable_password": "false"}
    assert root.post("/admin/portal/user/add/", form).status_code == 302
    dora = User.objects.get(email__iexact="dora@lab.example")
    assert root.post(f"/admin/portal/user/{dora.pk}/delete/", {"post": "yes"}).status_code == 302
    actions = AuditEvent.objects.filter(kind="changed_in_admin").order_by("id").values_list("detail__action", flat=True)
    assert list(actions) == ["added", "deleted"]


def test_addresses_are_kept_in_lower_case_there_too(root: Client) -> None:
    root.post("/admin/portal/user/add/", {"email": "Dora@Lab.Example", "name": "", "usable_password": "false"})
    assert User.objects.filter(email="dora@lab.example").exists()


def test_the_code_of_a_project_stays(root: Client, project: Project) -> None:
    page = root.get(f"/admin/portal/project/{project.pk}/change/").content.decode()
    assert 'name="code"' not in page
