"""A link may allow only so many downloads: resumes and parallel pieces are one, ranges are no way around."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone

from portal.actors import Actor
from portal.models import Dataset
from sharing.errors import LinkUsedUp
from sharing.models import Receipt, ShareLink
from sharing.services import takings
from sharing.services.bundled import Bundled, begin_bundle, end_bundle
from sharing.services.recording import Delivery, begin_delivery, end_delivery, lock_link
from sharing.services.takings import count_download
from tests.sharing.conftest import MakeDataset, MakeLink, Visitor, hang_up

pytestmark = pytest.mark.django_db


def limited(link: ShareLink, most: int) -> Visitor:
    ShareLink.objects.filter(pk=link.pk).update(most_downloads=most)
    link.refresh_from_db()
    return Visitor(link)


def downloads(visitor: Visitor) -> int:
    visitor.link.refresh_from_db()
    return visitor.link.downloads


def length(visitor: Visitor) -> int:
    return int(visitor.client.head(f"{visitor.address}/{visitor.name}.zip")["Content-Length"])


def pieces(total: int, count: int) -> list[str]:
    steps = [total * part // count for part in range(count + 1)]
    return [f"bytes={start}-{stop - 1}" for start, stop in pairwise(steps)]


def test_the_download_behind_the_limit_is_refused_with_a_sentence(link: ShareLink) -> None:
    visitor = limited(link, 2)
    assert [visitor.get_zip().status_code for _ in range(3)] == [200, 200, 410]
    refused = visitor.get_zip().body.decode()
    assert "All downloads that it allowed were made (2). Ask em@facility.example" in refused
    assert downloads(visitor) == 2
    assert "2 of 2 downloads" in visitor.get().body.decode()


def test_a_download_in_eight_pieces_is_one_in_whatever_order(link: ShareLink) -> None:
    visitor = limited(link, 1)
    for wanted in reversed(pieces(length(visitor), 8)):
        assert visitor.get_zip(range=wanted).status_code == 206
    assert (downloads(visitor), visitor.state()) == (1, "complete")


def test_a_resume_and_one_new_beginning_are_not_punished(make_dataset: MakeDataset, make_link: MakeLink) -> None:
    visitor = limited(make_link(make_dataset({"large.bin": bytes(3_000_000)})), 1)
    address, total = f"{visitor.address}/{visitor.name}.zip", length(visitor)
    for _ in range(2):  # cut off, and begun from the start again
        broken: Any = visitor.client.get(address)
        for _ in range(4):
            next(broken.streaming_content)
        hang_up(broken)
    assert visitor.get_zip(range=f"bytes={300_000}-").status_code == 206
    assert (downloads(visitor), visitor.state()) == (1, "complete")
    tail = total - 100_000  # the end was lost in the line though we believe that it went out
    assert visitor.get_zip(range=f"bytes={tail}-").status_code == 206
    assert visitor.get_zip().status_code == 410


def test_ranges_are_no_way_around_the_limit(link: ShareLink) -> None:
    visitor = limited(link, 1)
    visitor.get_zip()
    total = length(visitor)
    for wanted in ("bytes=1-", f"bytes=0-{total - 2}", f"bytes=0-{total // 2},{total // 2 + 1}-{total - 1}"):
        assert visitor.get_zip(range=wanted).status_code == 410, wanted
    answers = [visitor.get_zip(range=wanted) for wanted in pieces(total, 10) * 2]
    assert sum(len(answer.body) for answer in answers if answer.status_code == 206) <= total // 2


def test_never_completing_a_download_is_no_way_around_the_limit(link: ShareLink) -> None:
    visitor = limited(link, 1)
    total, got = length(visitor), 0
    for _ in range(6):
        answer = visitor.get_zip(range=f"bytes=0-{total - 2}")
        got += len(answer.body) if answer.status_code == 206 else 0
    assert got <= 3 * total


def test_of_two_that_begin_at_once_one_passes(link: ShareLink) -> None:
    limited(link, 1)
    now = timezone.now()

    def wanted() -> Delivery:
        return Delivery(
            dataset=link.dataset, actor=_rita(link), kind=Receipt.Kind.ZIP, subject="all.zip", total=900_000,
            spans=((0, 900_000),), revision=1, link=link,
        )  # fmt: skip

    first = begin_delivery(delivery=wanted(), now=now)
    with pytest.raises(LinkUsedUp):
        begin_delivery(delivery=wanted(), now=now)
    end_delivery(delivery=wanted(), sent=900_000, now=now, running=first)
    link.refresh_from_db()
    assert (link.downloads, link.state) == (1, "complete")


def test_each_single_file_once_is_one_download(link: ShareLink) -> None:
    visitor = limited(link, 1)
    for path in ("notes.txt", "Grid%201/tile%202.tif", "empty.dat"):
        assert visitor.get(f"/files/{path}").status_code == 200
    assert downloads(visitor) == 1
    assert visitor.get("/files/notes.txt").status_code == 410
    assert visitor.get_zip().status_code == 410
    assert visitor.get("/manifest-sha256.txt").status_code == 200
    assert visitor.get().status_code == 200


def test_a_name_of_a_mail_filter_is_no_way_around_the_limit(link: ShareLink) -> None:
    visitor = limited(link, 1)
    for headers in ({"user_agent": "Slackbot-LinkExpanding 1.0"}, {"sec_purpose": "prefetch"}):
        assert visitor.get_zip(**headers).status_code == 403
        assert visitor.get("/files/notes.txt", **headers).status_code == 403
    assert downloads(visitor) == 0


def test_small_files_in_bundles_are_one_download_and_a_cut_one_may_be_asked_again(link: ShareLink) -> None:
    visitor = limited(link, 1)
    files = list(link.dataset.files.order_by("path"))
    bundle, now = Bundled(link.dataset, link, _rita(link), files, 1, 10_000), timezone.now()
    begin_bundle(bundled=bundle, now=now)
    end_bundle(bundled=bundle, sent=9_000, whole=3, now=now)
    begin_bundle(bundled=bundle, now=now)  # nobody knows what of it arrived
    end_bundle(bundled=bundle, sent=10_000, whole=len(files), now=now)
    assert (downloads(visitor), visitor.state()) == (1, "complete")
    with pytest.raises(LinkUsedUp):
        begin_bundle(bundled=bundle, now=now)
    assert visitor.get("/files/notes.txt").status_code == 410


def test_a_copy_is_one_download(link: ShareLink) -> None:
    visitor = limited(link, 1)
    count_download(lock_link(link))
    with pytest.raises(LinkUsedUp):
        count_download(lock_link(link))
    assert visitor.get_zip().status_code == 410


def test_without_a_limit_downloads_are_counted_all_the_same(rita_s: Visitor) -> None:
    for _ in range(3):
        rita_s.get_zip()
    assert downloads(rita_s) == 3


def test_without_the_rule_a_second_download_would_pass(link: ShareLink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takings, "_goes_on", lambda receipt, asked: receipt.takings > 0)
    visitor = limited(link, 1)
    assert [visitor.get_zip().status_code for _ in range(2)] == [200, 200]


def test_a_dataset_that_grows_is_counted_by_its_revisions(link: ShareLink) -> None:
    visitor = limited(link, 1)
    visitor.get_zip()
    Dataset.objects.filter(pk=link.dataset_id).update(revision=2, released_at=timezone.now() + timedelta(hours=1))
    assert visitor.get_zip().status_code == 410


def _rita(link: ShareLink) -> Actor:
    return Actor("recipient", str(link.pk), link.recipient)
