""" "Downloaded" means that a person or their program took it; looking, knocking and fetching ahead is nothing."""

import re
from itertools import pairwise

import pytest
from django.test import Client
from django.utils import timezone

from portal.mail_text import write_letter
from portal.models import AuditEvent, Notice
from sharing.models import Receipt, ShareLink
from sharing.services.dispatch import dispatch_dataset
from tests.sharing.conftest import MakeDataset, MakeLink, Visit, Visitor
from tests.sharing.lookers import AHEAD, SCANNERS

pytestmark = pytest.mark.django_db

PEOPLE = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Linux; Android 13; CUBOT P60) AppleWebKit/537.36 Chrome/130.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 HeadlessChrome/130.0.0.0 Safari/537.36",
    "curl/8.5.0",
    "Wget/1.21.4",
    "aria2/1.37.0",
    "rclone/v1.74.3",
    "python-requests/2.32",
    "",
]


def counted(visitor: Visitor) -> tuple[str, int]:
    return visitor.state(), Receipt.objects.filter(link=visitor.link).count()


def take_everything(visitor: Visitor, **headers: str) -> None:
    for below in ("", f"/{visitor.name}.zip", "/files/notes.txt", "/manifest-sha256.txt"):
        assert visitor.get(below, **headers).status_code in (200, 206)


def test_loading_the_page_opens_it_and_counts_nothing(rita_s: Visitor) -> None:
    for below in ("", "?folder=Grid%201", "?find=tif", ""):
        assert rita_s.get(below).status_code == 200
    assert counted(rita_s) == (ShareLink.State.OPENED, 0)
    assert not AuditEvent.objects.filter(kind="downloaded").exists()


def test_head_counts_nothing(rita_s: Visitor) -> None:
    for below in ("", f"/{rita_s.name}.zip", "/files/notes.txt", "/manifest-sha256.txt"):
        assert rita_s.client.head(rita_s.address + below).status_code == 200
    assert counted(rita_s) == (ShareLink.State.NOT_OPENED, 0)
    assert not AuditEvent.objects.filter(kind="downloaded").exists()


def test_knocking_for_the_first_byte_counts_nothing(rita_s: Visitor) -> None:
    answer = rita_s.get_zip(range="bytes=0-0")
    assert (answer.status_code, answer.body) == (206, b"P")
    assert rita_s.get("/files/notes.txt", range="bytes=0-0").body == b"t"
    assert rita_s.get("/files/notes.txt", range="bytes= 0-1").body == b"ta"
    assert counted(rita_s) == (ShareLink.State.NOT_OPENED, 0)
    assert not AuditEvent.objects.filter(kind="downloaded").exists()


@pytest.mark.parametrize("headers", AHEAD)
def test_fetching_ahead_counts_nothing(rita_s: Visitor, headers: dict[str, str]) -> None:
    take_everything(rita_s, **headers)
    assert counted(rita_s) == (ShareLink.State.NOT_OPENED, 0)


@pytest.mark.parametrize("agent", SCANNERS)
def test_programs_that_follow_every_link_count_nothing(link: ShareLink, visit: Visit, agent: str) -> None:
    scanner = visit(link, user_agent=agent)
    take_everything(scanner)
    assert counted(scanner) == (ShareLink.State.NOT_OPENED, 0)


def test_a_mail_filter_that_passes_for_a_browser_may_follow_every_address_of_the_mail(
    make_dataset: MakeDataset,
) -> None:
    dataset = make_dataset(recipients=("rita@university.example",))
    (link,) = dispatch_dataset(dataset_id=dataset.pk, now=timezone.now())
    letter = write_letter(Notice.objects.get(kind="dataset-ready"))
    assert letter is not None
    addresses = set(re.findall(r"http://127.0.0.1:8000(/[^\s\"'<>]+)", letter.text + letter.html))
    assert any(address.endswith(".zip") for address in addresses)
    chrome = Client(headers={"user-agent": PEOPLE[2], "accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    for address in addresses:
        assert chrome.get(address, follow=True).status_code == 200
        assert chrome.head(address, follow=True).status_code == 200
    assert counted(Visitor(link)) == (ShareLink.State.OPENED, 0)
    assert not AuditEvent.objects.filter(kind="downloaded").exists()


def test_the_button_of_the_page_downloads_at_one_click(rita_s: Visitor) -> None:
    html = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    page = rita_s.get("", **html).body.decode()
    (button,) = re.findall(r'btn-primary[^>]*href="([^"]+)"', page)
    button = button.removeprefix(rita_s.address)
    assert rita_s.get(button, **html).status_code == 200
    assert counted(rita_s) == (ShareLink.State.COMPLETE, 1)


def test_the_audit_hears_of_a_scanner_that_took_bytes(link: ShareLink, visit: Visit) -> None:
    visit(link, user_agent=SCANNERS[0]).get("/files/notes.txt")
    event = AuditEvent.objects.get(kind="downloaded")
    assert (event.client, event.bytes, event.detail["counted"]) == (SCANNERS[0], 16, False)


@pytest.mark.parametrize("agent", PEOPLE)
def test_one_click_counts_one(link: ShareLink, visit: Visit, agent: str) -> None:
    person = visit(link, user_agent=agent)
    person.get()
    person.get_zip()
    assert counted(person) == (ShareLink.State.COMPLETE, 1)


def test_a_file_of_one_byte_is_taken_by_its_first_byte(make_dataset: MakeDataset, make_link: MakeLink) -> None:
    visitor = Visitor(make_link(make_dataset({"a": b"x"})))
    visitor.get("/files/a", range="bytes=0-0")
    assert counted(visitor) == (ShareLink.State.COMPLETE, 1)


def test_a_download_resumed_in_five_ranges_counts_one(rita_s: Visitor) -> None:
    total = int(rita_s.client.head(f"{rita_s.address}/{rita_s.name}.zip")["Content-Length"])
    steps = [total * part // 5 for part in range(6)]
    for start, stop in pairwise(steps):
        rita_s.get_zip(range=f"bytes={start}-{stop - 1}")
    receipt = Receipt.objects.get()
    assert (receipt.state, receipt.bytes_sent, receipt.requests) == (Receipt.State.COMPLETE, total, 5)
    assert rita_s.state() == ShareLink.State.COMPLETE
    assert [event.complete for event in AuditEvent.objects.filter(kind="downloaded").order_by("pk")] == [
        False, False, False, False, True,
    ]  # fmt: skip


def test_the_same_bytes_twice_do_not_count_twice(rita_s: Visitor) -> None:
    for _ in range(2):
        rita_s.get_zip(range="bytes=0-999")
    receipt = Receipt.objects.get()
    assert (receipt.state, receipt.bytes_sent, receipt.spans) == (Receipt.State.PARTIAL, 1000, [[0, 1000]])
    assert rita_s.state() == ShareLink.State.PARTIAL


def test_taking_every_single_file_is_everything(rita_s: Visitor) -> None:
    paths = list(rita_s.link.dataset.files.values_list("path", flat=True))
    for number, path in enumerate(paths, start=1):
        rita_s.get(f"/files/{path}")
        rita_s.get(f"/files/{path}")
        expected = ShareLink.State.COMPLETE if number == len(paths) else ShareLink.State.PARTIAL
        assert rita_s.state() == expected


def test_the_checksums_alone_are_no_data(rita_s: Visitor) -> None:
    rita_s.get("/manifest-sha256.txt")
    assert rita_s.state() == ShareLink.State.NOT_OPENED
    assert Receipt.objects.get().kind == Receipt.Kind.MANIFEST


def test_complete_stays_complete(rita_s: Visitor) -> None:
    rita_s.get_zip()
    done_at = ShareLink.objects.get().completed_at
    rita_s.get()
    rita_s.get_zip(range="bytes=0-99")
    assert rita_s.state() == ShareLink.State.COMPLETE
    assert rita_s.link.completed_at == done_at
    assert [event.complete for event in AuditEvent.objects.filter(kind="downloaded").order_by("pk")] == [True, False]


def test_each_recipient_counts_alone(rita_s: Visitor, make_link: MakeLink) -> None:
    other = Visitor(make_link(rita_s.link.dataset, "k.andersson@institute.example"))
    rita_s.get_zip()
    assert rita_s.state() == ShareLink.State.COMPLETE
    assert other.state() == ShareLink.State.NOT_OPENED


def test_guessing_addresses_counts_nothing(rita_s: Visitor) -> None:
    for below in ("/other.zip", "/files/nothing.txt", "/files/../notes.txt", "/files/Grid%201", "?folder=nothing"):
        assert rita_s.get(below).status_code == 404
    assert Client().get("/s/").status_code == 404
    assert counted(rita_s) == (ShareLink.State.OPENED, 0)
