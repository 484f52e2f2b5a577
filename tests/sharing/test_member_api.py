"""Programs of a member: what they fetch of a dataset, and sharing it."""

import hashlib
import io
import tarfile
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from portal.actors import Actor
from portal.models import AuditEvent, Dataset, Membership, User
from portal.services.access_tokens import make_access_token
from sharing.models import Receipt, ShareLink
from tests.sharing.conftest import FILES

pytestmark = pytest.mark.django_db


class Program:
    """What one access token of a person can do."""

    def __init__(self, person: User, dataset: Dataset, scope: str = "read") -> None:
        now = timezone.now()
        actor = Actor.of_user(person)
        lifetime = timedelta(days=1)
        secret = make_access_token(actor=actor, label="cluster", scope=scope, lifetime=lifetime, now=now)[1]
        self._client = Client(headers={"Authorization": f"Bearer {secret}"})
        self._root = f"/api/v1/me/datasets/{dataset.pk}"

    def get(self, below: str) -> Any:
        return self._client.get(self._root + below if below.startswith("/content") else below)

    def post(self, below: str, document: dict[str, Any]) -> Any:
        return self._client.post(self._root + below, document, content_type="application/json")


def wish(**more: Any) -> dict[str, Any]:
    return {"recipients": ["rita@university.example"], "occasion": str(uuid4())} | more


def test_a_program_lists_and_fetches_what_its_person_may_see(dataset: Dataset, bob: User) -> None:
    program = Program(bob, dataset)
    told = program.get("/content").json()
    assert (told["files"], told["name"], told["manifest_name"]) == (len(FILES), dataset.name, "manifest-sha256.txt")
    listed = program.get("/content/files").json()["files"]
    assert {file["path"]: file["sha256"] for file in listed} == {
        path: hashlib.sha256(content).hexdigest() for path, content in FILES.items()
    }
    answer = program.get(listed[0]["address"])
    assert b"".join(answer.streaming_content) == FILES[listed[0]["path"]]
    named = {"files": [{"path": file["path"], "sha256": file["sha256"]} for file in listed]}
    bundle = program.post("/content/bundle", named)
    with tarfile.open(fileobj=io.BytesIO(b"".join(bundle.streaming_content))) as tar:
        assert {member.name for member in tar} == FILES.keys()
    events = AuditEvent.objects.filter(kind="downloaded", actor=bob.email).order_by("pk")
    assert [event.detail["what"] for event in events] == ["file", "bundle"]
    assert events[1].client.startswith("token “cluster”")
    assert not Receipt.objects.exists()


def test_a_stranger_finds_nothing_and_deleted_data_say_so(dataset: Dataset, bob: User, charlie: User) -> None:
    for below in ("/content", "/content/files"):
        assert Program(charlie, dataset).get(below).status_code == 404
    Dataset.objects.filter(pk=dataset.pk).update(state=Dataset.State.PURGED)
    assert Program(bob, dataset).get("/content").json()["code"] == "data_deleted"


def test_a_program_shares_with_terms_and_the_same_wish_again_makes_nothing_twice(dataset: Dataset, bob: User) -> None:
    program = Program(bob, dataset, "share")
    asked = wish(days=3, message="Here you are.", password="eight letters", most_downloads=2)
    for _ in range(2):
        (told,) = program.post("/links", asked).json()["links"]
        assert told["recipient"] == "rita@university.example"
    link = ShareLink.objects.get()
    assert (link.message, link.most_downloads, link.created_by) == ("Here you are.", 2, bob)
    assert link.password_hash
    assert (link.expires_at - timezone.now()).days == 2
    event = AuditEvent.objects.get(kind="link_made")
    assert "eight letters" not in str(event.detail)


def test_without_a_wish_the_link_works_as_long_as_the_project_says(dataset: Dataset, bob: User) -> None:
    Program(bob, dataset, "share").post("/links", wish())
    lifetime = ShareLink.objects.get().expires_at - timezone.now()
    assert abs(lifetime - dataset.project.link_lifetime) < timedelta(minutes=1)


def test_who_may_not_share_is_told_why(dataset: Dataset, bob: User, charlie: User) -> None:
    assert Program(bob, dataset).post("/links", wish()).json()["code"] == "token_reads_only"
    Membership.objects.create(project=dataset.project, user=charlie, role=Membership.Role.VIEWER)
    assert Program(charlie, dataset, "share").post("/links", wish()).status_code == 403
    refused = Program(bob, dataset, "share").post("/links", wish(password="short"))
    assert (refused.status_code, "at least 8" in refused.json()["message"]) == (422, True)
    assert Program(bob, dataset, "share").post("/links", wish(recipients=["nobody"])).status_code == 422
    assert not ShareLink.objects.exists()
