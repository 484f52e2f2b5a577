"""What a link allows is said when it is shared and changed on its page; who came too late may ask for more time."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.actors import Actor
from portal.mail_text import write_letter
from portal.models import AuditEvent, Dataset, Notice, User
from sharing.errors import LinkRevoked, NotReleased
from sharing.links import address_of
from sharing.models import ShareLink, Way
from sharing.services.by_hand import revoke_link
from sharing.services.terms import NewTerms, change_terms
from tests.sharing.conftest import MakeLink, Visitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def bob_s(bob: User, dataset: Dataset) -> Client:
    client = Client()
    client.force_login(bob)
    return client


@pytest.fixture
def bob_s_link(dataset: Dataset, make_link: MakeLink, bob: User) -> ShareLink:
    return make_link(dataset, owner=bob, label=bob.email)


def page(link: ShareLink) -> str:
    return reverse("link_terms", args=[link.pk])


def entered(link: ShareLink, **fields: Any) -> dict[str, Any]:
    until = timezone.localtime(link.expires_at).date()
    return {"until": until, "ways": list(Way.values), "most_downloads": "", "password": ""} | fields


def kinds() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("kind", flat=True))


def test_the_share_form_has_terms_behind_a_fold(bob_s: Client, dataset: Dataset) -> None:
    address = reverse("share_dataset", args=[dataset.pk])
    shown = bob_s.get(address)
    assert '<details class="more">' in shown.content.decode()
    form = {
        "recipients": "rita@university.example", "days": 7, "occasion": shown.context["form"]["occasion"].value(),
        "password": "grüne Wiese 7", "most_downloads": 3, "ways": ["zip", "copy"],
    }  # fmt: skip
    wrong = bob_s.post(address, form | {"password": "short"})
    assert wrong.status_code == 422
    assert '<details class="more" open>' in wrong.content.decode()
    assert bob_s.post(address, form).status_code == 302
    link = ShareLink.objects.get()
    assert check_password("grüne Wiese 7", link.password_hash)
    assert (link.most_downloads, link.ways) == (3, ["zip", "copy"])
    letter = write_letter(Notice.objects.get(kind="dataset-ready"))
    assert letter is not None
    for text in (letter.text, letter.html):
        assert "grüne Wiese" not in text
        assert "a password" in text
        assert "wget" not in text


@pytest.mark.parametrize(
    ("ways", "closed"),
    [
        (["zip"], ["/files/notes.txt", "/tree/", "/tree/notes.txt", "/copy", "POST bundle"]),
        (["files"], ["/{name}.zip", "/selection?in=Grid%201", "/copy"]),
        (["copy"], ["/{name}.zip", "/files/notes.txt", "/tree/", "/selection?in=Grid%201", "POST bundle"]),
    ],
)
def test_a_way_that_is_closed_is_refused_and_not_offered(link: ShareLink, ways: list[str], closed: list[str]) -> None:
    ShareLink.objects.filter(pk=link.pk).update(ways=ways)
    link.refresh_from_db()
    visitor = Visitor(link)
    for below in closed:
        if below == "POST bundle":
            address = f"/api/v1/shared{visitor.address.removeprefix('/s')}/bundle"
            named = {"files": [{"path": "notes.txt", "sha256": "0" * 64}]}
            answer: Any = visitor.client.post(address, named, "application/json")
            assert (answer.status_code, answer.json()["code"]) == (403, "way_closed")
        else:
            answer = visitor.get(below.format(name=visitor.name))
            assert answer.status_code == 403, below
            assert "This link does not allow that" in answer.body.decode()
    offered = visitor.get().body.decode()
    assert ("Download all" in offered) == ("zip" in ways)
    assert (f"{visitor.address}/files/notes.txt" in offered) == ("files" in ways)
    assert visitor.get("/manifest-sha256.txt").status_code == 200


def test_its_page_shows_the_address_and_a_qr_code_to_who_made_it_alone(
    bob_s: Client, bob_s_link: ShareLink, link: ShareLink, alice: User
) -> None:
    mine = bob_s.get(page(bob_s_link)).content.decode()
    assert str(address_of(bob_s_link)) in mine
    assert '<svg class="qr-code"' in mine or 'class="qr-code"' in mine
    assert "style=" not in mine[mine.index("qr-code") : mine.index("</svg>", mine.index("qr-code"))]
    assert str(address_of(link)) not in bob_s.get(page(link)).content.decode()
    managers = Client()
    managers.force_login(alice)
    theirs = managers.get(page(bob_s_link)).content.decode()
    assert str(address_of(bob_s_link)) not in theirs
    assert "qr-code" not in theirs


def test_terms_are_changed_and_the_audit_says_which(bob_s: Client, bob_s_link: ShareLink) -> None:
    sent = entered(bob_s_link, most_downloads=5, ways=["zip"], password="grüne Wiese 7")
    assert bob_s.post(page(bob_s_link), sent).status_code == 302
    bob_s_link.refresh_from_db()
    assert (bob_s_link.most_downloads, bob_s_link.ways) == (5, ["zip"])
    event = AuditEvent.objects.get(kind="link_changed")
    assert sorted(event.detail["changes"]) == ["most_downloads", "password_hash", "ways"]
    assert "pbkdf2" not in str(event.detail)
    gone = entered(bob_s_link, most_downloads=5, ways=["zip"], without_password="on")
    assert bob_s.post(page(bob_s_link), gone).status_code == 302
    bob_s_link.refresh_from_db()
    assert bob_s_link.password_hash == ""
    assert bob_s.post(page(bob_s_link), entered(bob_s_link, ways=[])).status_code == 422
    assert bob_s.post(page(bob_s_link), entered(bob_s_link, until="2020-01-01")).status_code == 422


def test_an_expired_link_works_again_when_it_is_extended_and_is_mailed_again(
    bob_s: Client, bob_s_link: ShareLink
) -> None:
    past = timezone.now() - timedelta(hours=1)
    ShareLink.objects.filter(pk=bob_s_link.pk).update(starts_at=past - timedelta(days=2), expires_at=past)
    bob_s_link.refresh_from_db()
    visitor = Visitor(bob_s_link)
    assert visitor.get().status_code == 410
    later = timezone.localdate() + timedelta(days=3)
    assert bob_s.post(page(bob_s_link), entered(bob_s_link, until=later)).status_code == 302
    assert visitor.get().status_code == 200
    bob_s_link.refresh_from_db()
    assert timezone.localtime(bob_s_link.expires_at).date() == later
    assert Notice.objects.filter(kind="dataset-ready", to=bob_s_link.recipient).count() == 1


def test_a_revoked_link_and_one_without_data_cannot_be_extended(bob_s_link: ShareLink, bob: User) -> None:
    now, actor = timezone.now(), Actor.of_user(bob)
    wanted = NewTerms(now + timedelta(days=9), None, ["zip"])
    Dataset.objects.filter(pk=bob_s_link.dataset_id).update(state=Dataset.State.EXPIRED)
    with pytest.raises(NotReleased):
        change_terms(link=bob_s_link, terms=wanted, actor=actor, now=now)
    Dataset.objects.filter(pk=bob_s_link.dataset_id).update(state=Dataset.State.RELEASED)
    revoke_link(link=bob_s_link, actor=actor, now=now)
    with pytest.raises(LinkRevoked):
        change_terms(link=bob_s_link, terms=wanted, actor=actor, now=now)


def test_the_mail_goes_again_on_demand_once_a_minute(bob_s: Client, bob_s_link: ShareLink) -> None:
    for _ in range(2):
        assert bob_s.post(reverse("send_link_again", args=[bob_s_link.pk])).status_code == 302
    assert Notice.objects.filter(kind="dataset-ready").count() in (1, 2)  # two if a minute began in between
    assert "link_sent_again" in kinds()


def test_who_comes_too_late_asks_for_more_time_once(rita_s: Visitor) -> None:
    ask = f"{rita_s.address}/more-time"
    assert rita_s.client.post(ask).status_code == 302  # it still works
    past = timezone.now() - timedelta(hours=1)
    ShareLink.objects.update(starts_at=past - timedelta(days=2), expires_at=past)
    refused = rita_s.get()
    assert f'action="{ask}"' in refused.body.decode()
    for _ in range(3):
        assert "You asked for more time" in rita_s.client.post(ask).content.decode()
    (notice,) = Notice.objects.filter(kind="more-time-asked")
    letter = write_letter(notice)
    assert letter is not None
    assert (notice.to, letter.reply_to) == ("em-staff@facility.example", [rita_s.link.recipient])
    assert page(rita_s.link) in letter.text
    assert "More time was asked for" in rita_s.get().body.decode()
    assert f'action="{ask}"' not in rita_s.get().body.decode()
    assert kinds().count("more_time_asked") == 1


def test_nobody_asks_for_more_time_of_what_is_gone(rita_s: Visitor, alice: User) -> None:
    past = timezone.now() - timedelta(hours=1)
    ShareLink.objects.update(starts_at=past - timedelta(days=2), expires_at=past)
    Dataset.objects.update(state=Dataset.State.PURGED)
    assert "more-time" not in rita_s.get().body.decode()
    rita_s.client.post(f"{rita_s.address}/more-time")
    assert not Notice.objects.filter(kind="more-time-asked").exists()


def test_its_page_tells_each_step_with_its_time_and_way(bob_s: Client, bob_s_link: ShareLink) -> None:
    visitor = Visitor(bob_s_link)
    visitor.get()
    visitor.get("/files/notes.txt")
    visitor.get_zip()
    text = bob_s.get(page(bob_s_link)).content.decode()
    for word in ("Opened", "Started", "Complete", "file by file, as a zip", "notes.txt", "everything as a zip"):
        assert word in text
    panel = bob_s.get(reverse("dataset", args=[bob_s_link.dataset_id])).content.decode()
    assert "file by file, as a zip" in panel
