from threading import Barrier, Thread
from uuid import UUID, uuid4

import pytest

from dataplane.ziplayout import ZipLayout
from portal.models import Dataset
from sharing.layouts import LayoutCache, layout_of
from tests.dataplane.zip_samples import layout_of as sample
from tests.sharing.conftest import store_file


def made(files: int) -> ZipLayout:
    return sample({f"{number:04d}": b"" for number in range(files)})


def keep(cache: LayoutCache, dataset_id: UUID, files: int, revision: int = 1) -> ZipLayout:
    return cache.get(dataset_id, revision, lambda: (made(files), True))


def refuse() -> tuple[ZipLayout, bool]:
    raise AssertionError("It should have been known.")


def test_a_layout_is_made_once_for_a_revision() -> None:
    cache, one = LayoutCache(100), uuid4()
    layout = keep(cache, one, 3)
    assert cache.get(one, 1, refuse) is layout


def test_a_new_revision_replaces_the_old_one() -> None:
    cache, one = LayoutCache(100), uuid4()
    keep(cache, one, 3)
    newer = keep(cache, one, 4, revision=2)
    assert cache.get(one, 2, refuse) is newer
    with pytest.raises(AssertionError):
        cache.get(one, 1, refuse)


def test_the_least_recently_used_goes_when_there_is_no_room() -> None:
    cache, ids = LayoutCache(10), [uuid4() for _ in range(3)]
    keep(cache, ids[0], 4)
    keep(cache, ids[1], 4)
    cache.get(ids[0], 1, refuse)
    keep(cache, ids[2], 4)
    cache.get(ids[0], 1, refuse)
    cache.get(ids[2], 1, refuse)
    with pytest.raises(AssertionError):
        cache.get(ids[1], 1, refuse)


def test_one_that_is_too_large_alone_is_kept_while_it_is_the_newest() -> None:
    cache, one = LayoutCache(10), uuid4()
    keep(cache, one, 50)
    cache.get(one, 1, refuse)


def test_many_who_ask_at_once_wait_for_one_that_makes_it() -> None:
    cache, one, together, made_by = LayoutCache(100), uuid4(), Barrier(8), []

    def build() -> tuple[ZipLayout, bool]:
        made_by.append(1)
        return made(50), True

    def ask() -> None:
        together.wait()
        cache.get(one, 1, build)

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made_by == [1]


def test_a_layout_that_could_not_be_made_is_tried_again() -> None:
    cache, one = LayoutCache(100), uuid4()
    with pytest.raises(AssertionError):
        cache.get(one, 1, refuse)
    assert keep(cache, one, 3).file_count == 3


@pytest.mark.django_db
def test_a_list_that_changed_while_it_was_read_is_not_kept(dataset: Dataset) -> None:
    old = Dataset.objects.get(pk=dataset.pk)
    store_file(dataset, "late.txt", b"late").save()
    Dataset.objects.filter(pk=dataset.pk).update(revision=2)
    assert layout_of(old).file_count == 5
    assert layout_of(old) is not layout_of(old)
    fresh = Dataset.objects.get(pk=dataset.pk)
    assert layout_of(fresh) is layout_of(fresh)
