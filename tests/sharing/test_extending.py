"""Many links become longer at once: those ticked, all that work, or all that have ended."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.actors import SYSTEM, Actor
from portal.audit import broken_links
from portal.errors import Invalid
from portal.models import AuditEvent, Dataset, Notice, User
from sharing.errors import NotReleased
from sharing.models import RenewalRequest, ShareLink
from sharing.services.dispatch import make_links
from sharing.services.extending import Extension, extend_links
from sharing.services.more_time import ask_for_more_time
from tests.sharing.conftest import MakeLink, Visitor

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def make_many(dataset: Dataset, count: int, **terms: Any) -> list[ShareLink]:
    return make_links(
        dataset=dataset, recipients=[f"r{number}@x.example" for number in range(count)], owner=None, label="Krios 2",
        occasion="hand:many", **{"starts_at": NOW - 9 * DAY, "expires_at": NOW + DAY} | terms,
    )  # fmt: skip


@pytest.fixture
def ends(dataset: Dataset, make_link: MakeLink) -> dict[str, ShareLink]:
    """Links by how they are: one that works, one that has ended, one that was revoked, one that begins later."""
    past = NOW - 9 * DAY
    made = {
        "open": make_link(dataset, starts_at=past, expires_at=NOW + DAY),
        "ended": make_link(dataset, starts_at=past, expires_at=NOW - DAY + timedelta(microseconds=1)),
        "revoked": make_link(dataset, starts_at=past, expires_at=NOW + DAY),
        "late": make_link(dataset, starts_at=NOW + 5 * DAY, expires_at=NOW + 20 * DAY),
    }
    ShareLink.objects.filter(pk=made["revoked"].pk).update(revoked_at=NOW, revoked_by="bob")
    return made


def extended(links: dict[str, ShareLink], which: str, extension: Extension) -> dict[str, timedelta]:
    """What each link that was made longer has left."""
    before = dict(ShareLink.objects.values_list("pk", "expires_at"))
    ticked = [link.pk for link in links.values()]
    dataset = links["open"].dataset
    said = extend_links(dataset=dataset, which=which, ticked=ticked, extension=extension, actor=SYSTEM, now=NOW)
    after = dict(ShareLink.objects.values_list("pk", "expires_at"))
    changed = {name: after[link.pk] - NOW for name, link in links.items() if after[link.pk] != before[link.pk]}
    assert len(changed) == said.count
    for name, left in changed.items():  # as an index of the database compares it
        assert ShareLink.objects.filter(pk=links[name].pk, expires_at=NOW + left, expires_at__lte=NOW + left).exists()
    return changed


@pytest.mark.parametrize(
    ("which", "extension", "left"),
    [
        ("ticked", Extension(days=7), {"open": 8 * DAY, "ended": 7 * DAY, "late": 27 * DAY}),
        ("open", Extension(days=7), {"open": 8 * DAY, "late": 27 * DAY}),
        ("ended", Extension(days=7), {"ended": 7 * DAY}),
        ("ticked", Extension(until=NOW + 3 * DAY), {"open": 3 * DAY, "ended": 3 * DAY}),
        ("open", Extension(until=NOW + 30 * DAY), {"open": 30 * DAY, "late": 30 * DAY}),
        ("open", Extension(until=NOW + timedelta(hours=1)), {}),
    ],
)
def test_links_are_made_longer_and_never_shorter(
    ends: dict[str, ShareLink], which: str, extension: Extension, left: dict[str, timedelta]
) -> None:
    assert extended(ends, which, extension) == left


@pytest.mark.parametrize("extension", [Extension(), Extension(1, NOW + DAY), Extension(0), Extension(until=NOW)])
def test_an_extension_that_makes_no_sense_is_refused(dataset: Dataset, extension: Extension) -> None:
    with pytest.raises(Invalid):
        extend_links(dataset=dataset, which="open", extension=extension, actor=SYSTEM, now=NOW)


def test_links_without_data_stay_as_they_are(dataset: Dataset) -> None:
    Dataset.objects.update(state=Dataset.State.EXPIRED)
    with pytest.raises(NotReleased):
        extend_links(dataset=dataset, which="open", extension=Extension(3), actor=SYSTEM, now=NOW)


def test_a_thousand_links_take_a_few_statements_and_the_audit_has_each(
    dataset: Dataset, bob: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    make_many(dataset, 1000, expires_at=NOW - DAY)
    link = ShareLink.objects.select_related("dataset__project", "created_by").latest("pk")
    asked = ask_for_more_time(link=link, actor=SYSTEM, now=NOW)
    with django_assert_max_num_queries(60):
        actor = Actor.of_user(bob)
        said = extend_links(dataset=dataset, which="ended", extension=Extension(3), actor=actor, now=NOW)
    assert said.count == AuditEvent.objects.filter(kind="link_changed", actor=bob.email).count() == 1000
    assert list(broken_links()) == []
    event = AuditEvent.objects.latest("pk")
    assert (event.subject, event.detail["link"]) == (link.recipient, link.pk)
    assert event.detail["changes"] == {"expires_at": (NOW + 3 * DAY).isoformat()}
    assert Notice.objects.filter(kind="dataset-ready").count() == 1000
    assert asked is not None
    asked.refresh_from_db()
    assert (asked.state, asked.until) == (RenewalRequest.State.GRANTED, NOW + 3 * DAY)


def test_on_the_page_links_are_ticked_and_extended(bob: User, ends: dict[str, ShareLink]) -> None:
    now = timezone.now()
    ShareLink.objects.filter(pk=ends["open"].pk).update(expires_at=now - DAY, starts_at=now - 9 * DAY)
    page = reverse("dataset_links", args=[ends["open"].dataset_id])
    client = Client()
    client.force_login(bob)
    shown = client.get(page).content.decode()
    assert f'value="{ends["open"].pk}"' in shown
    assert f'value="{ends["revoked"].pk}"' not in shown
    ticked = {"link": [ends["open"].pk], "which": "ticked", "until": ""}
    for wrong in ({"days": ""}, {"days": 3, "until": "2030-01-01"}, {"days": "", "until": "2020-01-01"},
                  {"days": 3, "link": []}):  # fmt: skip
        assert client.post(page, ticked | wrong).status_code == 422
    again = client.post(page, ticked | {"days": ""}).content.decode()
    assert "checked" in again[again.index(f'value="{ends["open"].pk}"') :].split(">")[0]
    visitor = Visitor(ends["open"])
    assert visitor.get().status_code == 410
    assert client.post(page, ticked | {"days": 3}).status_code == 302
    assert visitor.get().status_code == 200


def test_a_program_extends_links_and_answers_who_asked(bob: User, ends: dict[str, ShareLink]) -> None:
    now = timezone.now()
    ShareLink.objects.filter(revoked_at=None).update(starts_at=now - 9 * DAY, expires_at=now - DAY)
    visitor = Visitor(ends["ended"])
    api, client = f"/api/v1/me/datasets/{ends['open'].dataset_id}", Client()
    client.force_login(bob)

    def post(address: str, body: dict[str, Any], by: Client = client) -> tuple[int, Any]:
        answer = by.post(address, body, "application/json")
        return answer.status_code, answer.json()

    shared = visitor.address.replace("/s/", "/api/v1/shared/") + "/more-time"
    for _ in range(2):
        assert post(shared, {}, visitor.client) == (200, {"state": "waiting", "until": None, "words": ""})
    (asked,) = client.get(f"{api}/renewals").json()["renewals"]
    assert (asked["recipient"], asked["state"], asked["link"]) == (visitor.link.recipient, "waiting", visitor.link.pk)
    refused = post(f"{api}/renewals/{asked['id']}", {"answer": "refuse", "words": "It is published."})
    assert (refused[0], refused[1]["state"]) == (200, "refused")
    assert post(shared, {}, visitor.client)[1] == {"state": "refused", "until": None, "words": "It is published."}
    assert post(f"{api}/renewals/{asked['id']}", {"answer": "grant"})[1]["code"] == "already_answered"
    assert post(f"{api}/links/extend", {"links": [visitor.link.pk], "days": 2}) == (
        200,
        {"extended": 1, "data_end": None},
    )
    assert visitor.get().status_code == 200
    assert post(shared, {}, visitor.client)[1]["code"] == "link_open"
    assert post(f"{api}/links/extend", {"which": "ended", "days": 2, "until": "2031-01-01T00:00:00Z"})[0] == 422
