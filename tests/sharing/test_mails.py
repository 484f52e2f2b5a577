"""Mails are written when they are sent: only then does a link stand somewhere as text."""

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.actors import Actor
from portal.mail_text import Letter, write_letter
from portal.models import Notice, User
from sharing.links import address_of
from sharing.models import ShareLink
from sharing.services.by_hand import ShareWish, revoke_link, share_by_hand
from sharing.services.dispatch import dispatch_dataset
from tests.sharing.conftest import MakeDataset, Visitor

pytestmark = pytest.mark.django_db
RITA = ("rita@university.example",)


def written(kind: str) -> Letter:
    letter = write_letter(Notice.objects.get(kind=kind))
    assert letter is not None
    return letter


@pytest.fixture
def dispatched(make_dataset: MakeDataset) -> ShareLink:
    dataset = make_dataset(recipients=RITA, title="Lysozyme & friends <1>")
    return dispatch_dataset(dataset_id=dataset.pk, now=timezone.now())[0]


def test_a_recipient_learns_what_it_is_how_much_until_when_and_how_to_get_it(dispatched: ShareLink) -> None:
    letter = written("dataset-ready")
    address, until = address_of(dispatched), timezone.localtime(dispatched.expires_at)
    assert letter.subject == f"Your data from Krios 2: 4 files, 8.02 kB, until {until:%-d %B %Y}"
    assert letter.reply_to == ["em@facility.example"]
    for text in (letter.text, letter.html):
        assert "Krios 2 (Electron microscopy)" in text
        assert f"{until:%A %-d %B %Y}" in text
        assert f"{address}/{dispatched.dataset.name}.zip" in text
        assert "wget -c" in text
        assert "em@facility.example" in text
    assert f'href="{address}"' in letter.html
    assert "Lysozyme & friends <1>" in letter.text
    assert "Lysozyme &amp; friends &lt;1&gt;" in letter.html


def test_every_address_in_the_text_stands_on_a_line_of_its_own(dispatched: ShareLink) -> None:
    lines = written("dataset-ready").text.splitlines()
    assert f"{address_of(dispatched)}" in lines
    assert all(len(line) <= 75 or line.startswith("http") for line in lines)


def test_no_mail_loads_anything(dispatched: ShareLink) -> None:
    Visitor(dispatched).get_zip()
    for kind in ("dataset-ready", "dataset-released", "first-complete-download"):
        html = written(kind).html
        assert "<img" not in html
        assert "src=" not in html
        assert "<link" not in html


def test_the_words_of_whoever_shared_it_are_in_the_mail(make_dataset: MakeDataset, bob: User) -> None:
    now = timezone.now()
    wish = ShareWish(list(RITA), now + timedelta(days=3), "x", "Dear Rita, <b>look</b>\nBob")
    share_by_hand(dataset=make_dataset(), wish=wish, actor=Actor.of_user(bob), now=now)
    letter = written("dataset-ready")
    assert "Bob Berg (Electron microscopy) has data for you." in letter.text
    assert "Dear Rita, <b>look</b>\nBob" in letter.text
    assert "Dear Rita, &lt;b&gt;look&lt;/b&gt;<br>Bob" in letter.html


def test_a_mail_about_a_link_that_is_over_is_not_sent(dispatched: ShareLink, alice: User) -> None:
    revoke_link(link=dispatched, actor=Actor.of_user(alice), now=timezone.now())
    assert write_letter(Notice.objects.get(kind="dataset-ready")) is None


def test_operators_learn_of_the_release_and_who_was_written_to(dispatched: ShareLink) -> None:
    letter = written("dataset-released")
    assert letter.subject == "Released: Lysozyme & friends <1> (4 files, 8.02 kB)"
    for text in (letter.text, letter.html):
        assert "rita@university.example" in text
        assert f"/datasets/{dispatched.dataset_id}/" in text


def test_operators_learn_of_a_release_without_recipients(make_dataset: MakeDataset) -> None:
    dispatch_dataset(dataset_id=make_dataset().pk, now=timezone.now())
    assert "It has no recipients" in written("dataset-released").text


def test_operators_learn_of_the_first_complete_download(dispatched: ShareLink) -> None:
    Visitor(dispatched).get_zip()
    letter = written("first-complete-download")
    assert "Lysozyme & friends <1>" in letter.subject
    assert "rita@university.example" in letter.subject
    assert "rita@university.example has downloaded all of this dataset" in letter.text


def test_operators_never_get_a_link(dispatched: ShareLink) -> None:
    Visitor(dispatched).get_zip()
    for kind in ("dataset-released", "first-complete-download"):
        letter = written(kind)
        assert "/s/" not in letter.text + letter.html
