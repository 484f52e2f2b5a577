"""A recipient takes a dataset into a project of their own, inside the portal."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.utils import timezone

from dataplane.errors import StoreTrouble
from dataplane.localstore import LocalStore
from delivery.models import DatasetCopy
from delivery.services import copying
from delivery.services.copying import copy_waiting, make_copy
from portal import storage
from portal.models import AuditEvent, DataFile, Dataset, Membership, Notice, Project, User
from sharing.links import token_of
from sharing.models import ShareLink
from tests.conftest import Bells, SignIn
from tests.delivery.conftest import content, taken_by
from tests.sharing.conftest import FILES, MakeDataset, MakeLink, row_of_file


def ask(client: Any, link: ShareLink, **fields: str) -> Any:
    return client.post(f"/s/{token_of(link)}/copy", {"project": "lab", "title": "Mine", **fields})


@pytest.fixture
def rita(rita_user: User, sign_in: SignIn) -> Any:
    return sign_in(rita_user)


def test_a_recipient_copies_a_dataset_into_her_own_project(rita: Any, link: ShareLink, bells: Bells) -> None:
    answer = ask(rita, link)
    copy = DatasetCopy.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/datasets/{copy.target_id}/")
    bells.run()
    copy.refresh_from_db()
    target = copy.target
    assert target is not None
    assert (copy.state, target.state, target.title, target.project.code) == ("done", "released", "Mine", "lab")
    assert (target.verified_count, target.bytes_verified) == (4, sum(map(len, FILES.values())))
    assert {path: content(target, path) for path in FILES} == FILES
    assert taken_by(link) == ("complete", ["complete"])
    page = rita.get(f"/datasets/{target.pk}/").content.decode()
    assert "Where does it come from?" in page
    assert "every file was read back" in page
    told = list(AuditEvent.objects.values_list("kind", "actor", "dataset"))
    assert ("copy_begun", "rita@university.example", target.name) in told
    assert ("downloaded", "rita@university.example", link.dataset.name) in told
    assert Notice.objects.filter(kind="dataset-released", to="rita@university.example").count() == 1


def test_in_one_folder_store_a_copy_is_a_second_name(rita: Any, link: ShareLink, bells: Bells) -> None:
    ask(rita, link)
    bells.run()
    source, target = link.dataset, DatasetCopy.objects.get().target
    assert target is not None
    paths = [storage.store().path(f"{storage.dataset_key(each)}/notes.txt") for each in (source, target)]
    assert paths[0].stat().st_ino == paths[1].stat().st_ino
    storage.store().delete(f"{storage.dataset_key(source)}/notes.txt")
    assert content(target, "notes.txt") == FILES["notes.txt"]
    assert not list((storage.store().root / ".arriving").iterdir())


@pytest.mark.parametrize("kind", ["archive", "objects"])
def test_a_copy_goes_to_the_store_of_its_project(
    kind: str, request: pytest.FixtureRequest, rita: Any, lab: Project, link: ShareLink, bells: Bells
) -> None:
    lab.store = request.getfixturevalue(kind)
    lab.save()
    ask(rita, link)
    bells.run()
    target = DatasetCopy.objects.get().target
    assert target is not None
    assert (target.store, target.state) == (kind, "released")
    assert {path: content(target, path) for path in FILES} == FILES


def test_in_one_s3_store_the_store_copies(
    objects: str, rita: Any, lab: Project, make_dataset: MakeDataset, make_link: MakeLink, bells: Bells
) -> None:
    Project.objects.update(store=objects)
    dataset = make_dataset({}, store=objects)
    data = b"x" * 5000
    storage.store_named(objects).put(f"em/{dataset.name}/a.tif", BytesIO(data), len(data))
    row_of_file(dataset, "a.tif", data).save()
    Dataset.objects.filter(pk=dataset.pk).update(
        file_count=1, verified_count=1, bytes_expected=len(data), bytes_verified=len(data)
    )
    dataset.refresh_from_db()
    ask(rita, make_link(dataset))
    bells.run()
    target = DatasetCopy.objects.get().target
    assert target is not None
    assert (target.state, content(target, "a.tif")) == ("released", data)


def test_asked_twice_it_is_one_copy(rita: Any, link: ShareLink, bells: Bells) -> None:
    first, second = ask(rita, link), ask(rita, link)
    assert first.headers["Location"] == second.headers["Location"]
    bells.run()
    assert DatasetCopy.objects.count() == 1


def test_a_copy_beyond_the_quota_is_refused_at_once(rita: Any, lab: Project, link: ShareLink) -> None:
    Project.objects.filter(pk=lab.pk).update(quota_bytes=100)
    answer = ask(rita, link)
    assert answer.status_code == 422
    assert "quota of 100 bytes" in answer.content.decode()
    assert not DatasetCopy.objects.exists()
    assert Dataset.objects.count() == 1


def test_whoever_only_views_a_project_copies_nothing_into_it(rita: Any, lab: Project, link: ShareLink) -> None:
    Membership.objects.update(role=Membership.Role.VIEWER)
    assert ask(rita, link).status_code == 422
    assert "No project to copy into" in rita.get(f"/s/{token_of(link)}/copy").content.decode()
    assert not DatasetCopy.objects.exists()


def test_somebody_who_is_not_logged_in_comes_back_after_logging_in(client: Any, link: ShareLink) -> None:
    address = f"/s/{token_of(link)}/copy"
    answer = client.get(address)
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/accounts/login/?next={address}"
    assert "Copy it into a project" in client.get(f"/s/{token_of(link)}").content.decode()


def test_a_link_that_ended_copies_nothing(rita: Any, link: ShareLink) -> None:
    ShareLink.objects.update(revoked_at=timezone.now())
    assert ask(rita, link).status_code == 410
    assert not DatasetCopy.objects.exists()


def test_a_worker_that_was_killed_is_followed_by_another(
    rita: Any, link: ShareLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dies with two of four files copied; the next one copies the other two, once its lease has run out."""
    ask(rita, link)
    copy = DatasetCopy.objects.get()
    monkeypatch.setattr(copying, "_BATCH_FILES", 2)
    true_say, said = copying._say_copied, []

    def die(*args: Any) -> None:
        true_say(*args)
        said.append(args[2])
        raise KeyboardInterrupt

    monkeypatch.setattr(copying, "_say_copied", die)
    with pytest.raises(KeyboardInterrupt):
        make_copy(copy.pk, clock=timezone.now)
    monkeypatch.setattr(copying, "_say_copied", true_say)
    assert copy.target is not None
    target = copy.target
    assert (target.verified_count, target.state) == (2, "closed")
    assert copy_waiting(clock=timezone.now) == 0
    assert copy_waiting(clock=lambda: timezone.now() + timedelta(minutes=3)) == 1
    target.refresh_from_db()
    assert (target.verified_count, target.state) == (4, "released")
    assert {path: content(target, path) for path in FILES} == FILES
    assert taken_by(link) == ("complete", ["complete"])


def test_a_damaged_original_is_not_copied_and_the_rest_is_removed_in_the_end(
    rita: Any, lab: Project, link: ShareLink, bells: Bells
) -> None:
    storage.store().path(f"{storage.dataset_key(link.dataset)}/notes.txt").write_bytes(b"taken on Sunday!\n")
    ask(rita, link)
    bells.run()
    copy, now = DatasetCopy.objects.get(), timezone.now()
    assert copy.state == "copying"
    assert "notes.txt" in copy.reason
    assert "It is tried again" in rita.get(f"/datasets/{copy.target_id}/panels/origin").content.decode()
    for hour in range(1, 20):
        copy_waiting(clock=lambda hour=hour: now + timedelta(hours=hour))  # type: ignore[misc]
    copy.refresh_from_db()
    assert (copy.state, copy.target) == ("failed", None)
    assert not DataFile.objects.filter(dataset__project=lab).exists()
    assert not Dataset.objects.filter(project=lab).exists()
    assert not list((storage.store().root / "lab").rglob("*.*"))
    assert Notice.objects.filter(kind="copy-failed", to="rita@university.example").count() == 1
    assert taken_by(link) == ("not_opened", [])
    ask(rita, link)
    assert DatasetCopy.objects.filter(state="copying").count() == 1


def test_revoking_the_link_ends_a_copy_under_way(rita: Any, link: ShareLink, bells: Bells) -> None:
    ask(rita, link)
    ShareLink.objects.update(revoked_at=timezone.now())
    bells.run()
    copy = DatasetCopy.objects.get()
    assert (copy.state, copy.reason) == ("failed", "The link was revoked by the people who sent it.")


def test_trouble_of_a_store_passes(rita: Any, link: ShareLink, bells: Bells, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise StoreTrouble("The store does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "copy", refuse)
        ask(rita, link)
        bells.run()
    copy = DatasetCopy.objects.get()
    assert (copy.state, copy.reason) == ("copying", "The store does not answer.")
    copy_waiting(clock=lambda: timezone.now() + timedelta(minutes=2))
    copy.refresh_from_db()
    assert copy.state == "done"
