"""A dataset that is shared while its files still come: the page says how it goes on, by itself and at little cost."""

import time
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from portal.arriving import arriving_now
from portal.models import Dataset
from sharing.links import token_of
from tests.conftest import Bells
from tests.sharing.conftest import MakeLink
from tests.uploads import conftest as uploads

make_pc, ada, dataset = uploads.make_pc, uploads.ada, uploads.dataset


@pytest.fixture(autouse=True)
def real_commits(transactional_db: None) -> None:
    """What is to happen after a commit happens."""


def seen_in(page: str) -> str:
    return page.split("live?seen=")[1][:16]


def test_the_page_of_a_growing_dataset_updates_itself(
    ada: Any, dataset: Dataset, make_link: MakeLink, bells: Bells, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ada.send(dataset, "run 1/first.dat", bytes(3_000_000))
    bells.run()
    visitor, address = Client(), f"/s/{token_of(make_link(dataset))}"
    page = visitor.get(address).content.decode()
    assert "Still arriving" in page
    assert "run 1/first.dat" in page
    seen = seen_in(page)
    with django_assert_num_queries(1):
        assert visitor.get(f"{address}/live?seen={seen}").status_code == 204

    ada.send(dataset, "run 1/second.dat", b"2")
    bells.run()
    part = visitor.get(f"{address}/live?seen={seen}").content.decode()
    assert part.index("run 1/second.dat") < part.index("run 1/first.dat")
    assert "a second." in part
    assert seen_in(part) != seen

    ada.close(dataset)
    bells.run()
    part = visitor.get(f"{address}/live?seen={seen_in(part)}").content.decode()
    assert "are here" in part
    assert "hx-get" not in part
    assert "live" not in visitor.get(address).content.decode().split("<main")[1].split("<h2")[0]


def test_the_rate_is_that_of_the_last_minute(ada: Any, dataset: Dataset, bells: Bells) -> None:
    for number in range(3):
        ada.send(dataset, f"{number}.dat", bytes(1000))
    bells.run()
    now = time.time()
    assert arriving_now(dataset.pk, now).bytes_rate == pytest.approx(300, rel=0.1)
    assert arriving_now(dataset.pk, now + 50).bytes_rate == pytest.approx(60, rel=0.1)
    later = arriving_now(dataset.pk, now + 61)
    assert (later.bytes_rate, len(later.newest)) == (0, 3)


def test_without_the_cache_the_counts_are_still_told(
    ada: Any, dataset: Dataset, make_link: MakeLink, bells: Bells
) -> None:
    ada.send(dataset, "a.dat", b"a")
    bells.run()
    cache.clear()
    page = Client().get(f"/s/{token_of(make_link(dataset))}").content.decode()
    assert "Still arriving" in page
    assert "Newest" not in page


def test_a_link_that_ended_updates_nothing(ada: Any, dataset: Dataset, make_link: MakeLink) -> None:
    link = make_link(dataset)
    link.revoked_at = link.starts_at
    link.save()
    assert Client().get(f"/s/{token_of(link)}/live").status_code == 410
