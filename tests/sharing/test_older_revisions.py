"""A download goes on with the zip it began with, while the dataset grows or files get newer versions."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone

from portal import storage
from portal.models import AuditEvent, DataFile, Dataset
from sharing.models import Receipt, ShareLink
from tests.sharing.conftest import MakeDataset, MakeLink, Visitor, store_file

pytestmark = pytest.mark.django_db

CONTENT = {"a.mrc": os.urandom(300_000), "b.mrc": os.urandom(300_000)}


def grow(dataset: Dataset, path: str = "c.mrc", content: bytes = b"late") -> None:
    store_file(dataset, path, content).save()
    _count_again(dataset)


def replace(dataset: Dataset, path: str, content: bytes, *, kept: bool = True) -> None:
    """As verification does it: the older version gets a second name before the newer one takes its place."""
    older = DataFile.objects.get(dataset=dataset, path=path, state=DataFile.State.VERIFIED)
    older.state, older.kept = DataFile.State.SUPERSEDED, DataFile.Kept.ASIDE if kept else DataFile.Kept.GONE
    older.save()
    place = storage.store().path(f"{storage.dataset_key(dataset)}/{path}")
    if kept:
        place.rename(storage.store().path(storage.version_key(older)))
    else:
        place.unlink()
    store_file(dataset, path, content).save()
    _count_again(dataset)


def _count_again(dataset: Dataset) -> None:
    files = DataFile.objects.filter(dataset=dataset, state=DataFile.State.VERIFIED)
    now = Dataset.objects.get(pk=dataset.pk)
    now.revision, now.verified_count = now.revision + 1, files.count()
    now.file_count, now.bytes_verified = now.verified_count, sum(files.values_list("size", flat=True))
    now.save()


@pytest.fixture
def rita(make_dataset: MakeDataset, make_link: MakeLink) -> Visitor:
    """Her link to a dataset that is still open."""
    return Visitor(make_link(make_dataset(CONTENT, state="open", closed_at=None, released_at=None)))


def replace_and_bring_back(dataset: Dataset) -> None:
    replace(dataset, "b.mrc", b"newer")
    replace(dataset, "b.mrc", CONTENT["b.mrc"])


Change = Callable[[Dataset], None]
CHANGES: dict[str, Change] = {
    "it grew": grow,
    "a file got a newer version": lambda dataset: replace(dataset, "b.mrc", b"newer"),
    "a file came back as it was": replace_and_bring_back,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_who_names_the_zip_they_have_goes_on_with_it(rita: Visitor, change: Change) -> None:
    whole = rita.get_zip()
    change(rita.link.dataset)
    rest = rita.get_zip(range="bytes=1000-", if_range=whole["ETag"])
    assert (rest.status_code, rest["ETag"], rest.body) == (206, whole["ETag"], whole.body[1000:])
    new = rita.get_zip()
    assert new["ETag"] != whole["ETag"]
    assert rita.get_zip(range="bytes=1000-", if_range=new["ETag"]).body == new.body[1000:]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_who_names_nothing_goes_on_with_what_their_link_was_sent(rita: Visitor, change: Change) -> None:
    whole = rita.get_zip().body
    Receipt.objects.all().delete()
    first = rita.get_zip(range="bytes=0-199999").body
    change(rita.link.dataset)
    rest = rita.get_zip(range="bytes=200000-")
    assert (rest.status_code, first + rest.body) == (206, whole)
    receipt = Receipt.objects.get()
    assert (receipt.revision, receipt.state) == (1, Receipt.State.COMPLETE)


def test_who_has_an_older_zip_whole_is_told_so_instead_of_getting_the_end_of_another(rita: Visitor) -> None:
    whole = rita.get_zip().body
    grow(rita.link.dataset, content=bytes(5000))
    answer = rita.get_zip(range=f"bytes={len(whole)}-")
    assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{len(whole)}")


def test_another_link_is_not_taken_for_the_one_that_began(rita: Visitor, make_link: MakeLink) -> None:
    rita.get_zip(range="bytes=0-199999")
    grow(rita.link.dataset)
    other = Visitor(make_link(rita.link.dataset, "k.andersson@institute.example"))
    new = other.get_zip().body
    assert other.get_zip(range="bytes=200000-").body == new[200_000:]


def test_connections_that_join_a_running_download_fetch_the_same_zip(rita: Visitor) -> None:
    whole = rita.get_zip().body
    Receipt.objects.all().delete()
    running: Any = rita.client.get(f"{rita.address}/{rita.name}.zip")
    pieces = iter(running.streaming_content)
    begin = next(pieces)
    grow(rita.link.dataset)
    assert rita.get_zip(range="bytes=400000-449999").body == whole[400_000:450_000]
    assert begin + b"".join(pieces) == whole


def test_a_version_that_is_no_longer_kept_means_beginning_again(rita: Visitor) -> None:
    old = rita.get_zip()
    replace(rita.link.dataset, "b.mrc", b"newer", kept=False)
    again = rita.get_zip(range="bytes=1000-", if_range=old["ETag"])
    assert (again.status_code, again["ETag"]) == (200, rita.client.head(f"{rita.address}/{rita.name}.zip")["ETag"])


def test_a_tag_that_was_never_ours_means_beginning_again(rita: Visitor) -> None:
    rita.get_zip()
    grow(rita.link.dataset)
    for tag in ('"1-' + "0" * 40 + '"', '"99999999-' + "0" * 40 + '"', '"1"', '"'):
        assert rita.get_zip(range="bytes=1000-", if_range=tag).status_code == 200


def begun(rita: Visitor) -> tuple[bytes, Iterator[bytes]]:
    response: Any = rita.client.get(f"{rita.address}/{rita.name}.zip")
    pieces = iter(response.streaming_content)
    return next(pieces), pieces


def test_a_newer_version_that_comes_while_the_zip_is_sent_does_not_get_into_it(rita: Visitor) -> None:
    whole = rita.get_zip().body
    first, rest = begun(rita)
    replace(rita.link.dataset, "b.mrc", os.urandom(300_000))
    assert first + b"".join(rest) == whole


def test_a_version_that_goes_while_the_zip_is_sent_ends_it_and_is_no_incident(rita: Visitor) -> None:
    whole = rita.get_zip().body
    first, rest = begun(rita)
    replace(rita.link.dataset, "b.mrc", os.urandom(300_000), kept=False)
    got = [first]
    with pytest.raises(Exception, match="no longer kept"):
        got.extend(rest)
    assert whole.startswith(b"".join(got))
    assert not AuditEvent.objects.filter(kind="stored_file_changed").exists()


def test_nobody_has_everything_of_what_still_grows(rita: Visitor) -> None:
    rita.get_zip()
    for path in CONTENT:
        rita.get(f"/files/{path}")
    assert rita.state() == ShareLink.State.PARTIAL


def test_the_zip_of_an_older_revision_is_not_everything(rita: Visitor) -> None:
    old = rita.get_zip(range="bytes=0-999")
    grow(rita.link.dataset)
    now = timezone.now()
    Dataset.objects.filter(pk=rita.link.dataset.pk).update(state="released", closed_at=now, released_at=now)
    rita.get_zip(range="bytes=1000-", if_range=old["ETag"])
    assert Receipt.objects.get().state == Receipt.State.COMPLETE
    assert rita.state() == ShareLink.State.PARTIAL
    rita.get_zip()
    assert rita.state() == ShareLink.State.COMPLETE


def test_files_taken_before_and_after_a_change_count_once(rita: Visitor) -> None:
    dataset = rita.link.dataset
    rita.get("/files/a.mrc")
    grow(dataset)
    rita.get("/files/a.mrc")
    now = timezone.now()
    Dataset.objects.filter(pk=dataset.pk).update(state="released", closed_at=now, released_at=now)
    rita.get("/files/b.mrc")
    assert (Receipt.objects.count(), rita.state()) == (2, ShareLink.State.PARTIAL)
    rita.get("/files/c.mrc")
    assert rita.state() == ShareLink.State.COMPLETE
