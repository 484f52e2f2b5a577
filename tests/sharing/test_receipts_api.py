"""What programs learn of links, and what the person who shared them is told."""

import pytest
from django.test import Client
from django.utils import timezone

from portal.mail_text import write_letter
from portal.models import Dataset, Notice, User
from sharing.models import ShareLink
from tests.sharing.conftest import MakeLink, Visitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def bob_s(bob: User) -> Client:
    client = Client()
    client.force_login(bob)
    return client


def test_programs_learn_each_step_with_its_time_and_way(bob_s: Client, dataset: Dataset, make_link: MakeLink) -> None:
    taking, waiting = Visitor(make_link(dataset, "anna@university.example")), make_link(dataset)
    taking.get()
    taking.get("/files/notes.txt")
    taking.get("/files/Grid%201/tile%202.tif", range="bytes=5-99")
    address = f"/api/v1/me/datasets/{dataset.pk}/receipts"
    first, second = bob_s.get(address).json()["links"]
    assert (first["recipient"], first["state"], first["ways"], first["downloads"]) == (
        "anna@university.example", "partial", ["file"], 1,
    )  # fmt: skip
    assert first["opened_at"] <= first["started_at"] <= first["last_at"]
    assert first["completed_at"] is None
    assert (second["id"], second["state"], second["started_at"]) == (waiting.pk, "not_opened", None)
    page = bob_s.get(f"{address}?limit=1").json()
    assert bob_s.get(f"{address}?limit=1&cursor={page['next']}").json()["links"] == [second]
    things = bob_s.get(f"{address}/{first['id']}").json()["receipts"]
    assert [(thing["path"], thing["state"], thing["bytes_sent"]) for thing in things] == [
        ("notes.txt", "complete", 16), ("Grid 1/tile 2.tif", "partial", 95),
    ]  # fmt: skip
    assert bob_s.get(f"{address}/999999").status_code == 404


def test_who_shared_it_hears_of_each_recipient_once(dataset: Dataset, make_link: MakeLink, bob: User) -> None:
    for name in ("anna", "ben"):
        visitor = Visitor(make_link(dataset, f"{name}@university.example", owner=bob, label=bob.email))
        for _ in range(2):
            visitor.get_zip()
    told = Notice.objects.filter(kind="download-complete").order_by("pk")
    assert [notice.to for notice in told] == [bob.email, bob.email]
    letters = [write_letter(notice) for notice in told]
    assert [letter.subject if letter else "" for letter in letters] == [
        "Downloaded completely: Lysozyme, grid 1, by anna@university.example",
        "Downloaded completely: Lysozyme, grid 1, by ben@university.example",
    ]


def test_who_shared_it_and_operates_it_hears_of_the_first_once(
    dataset: Dataset, make_link: MakeLink, bob: User
) -> None:
    Dataset.objects.filter(pk=dataset.pk).update(operator_emails=[bob.email])
    dataset.refresh_from_db()
    for name in ("anna", "ben"):
        Visitor(make_link(dataset, f"{name}@university.example", owner=bob, label=bob.email)).get_zip()
    assert list(Notice.objects.order_by("pk").values_list("kind", flat=True)) == [
        "first-complete-download", "download-complete",
    ]  # fmt: skip
    assert ShareLink.objects.filter(state="complete", completed_at__lte=timezone.now()).count() == 2
