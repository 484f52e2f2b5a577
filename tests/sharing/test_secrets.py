"""A link's secret is in the mail and in the recipient's hands, and nowhere else."""

import io
import logging
from datetime import timedelta

import pytest
from django.apps import apps
from django.core import serializers
from django.utils import timezone

from portal.actors import Actor
from portal.mail_text import write_letter
from portal.models import Notice, User
from sharing.links import token_of
from sharing.services.by_hand import ShareWish, revoke_link, share_by_hand
from sharing.services.dispatch import dispatch_dataset
from tests.sharing.conftest import MakeDataset, Visitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def log_text() -> io.StringIO:
    """What the portal's own log handler writes, formatted and filtered as it does."""
    written = io.StringIO()
    own = next(handler for handler in logging.getLogger().handlers if type(handler) is logging.StreamHandler)
    own.setStream(written)
    return written


def test_no_token_is_in_the_database_or_the_logs(make_dataset: MakeDataset, alice: User, log_text: io.StringIO) -> None:
    now, actor = timezone.now(), Actor.of_user(alice)
    dataset = make_dataset(recipients=("rita@university.example",))
    links = dispatch_dataset(dataset_id=dataset.pk, now=now)
    wish = ShareWish(["ben@university.example"], now + timedelta(days=1), "x")
    links += share_by_hand(dataset=dataset, wish=wish, actor=actor, now=now)
    for link in links:
        visitor = Visitor(link)
        for below in ("", f"/{visitor.name}.zip", "/files/notes.txt", "/files/nothing", "/manifest-sha256.txt"):
            visitor.get(below)
            visitor.client.post(visitor.address + below)
        revoke_link(link=link, actor=actor, now=timezone.now())
        visitor.get()
    for notice in Notice.objects.all():
        write_letter(notice)
    tokens = [token_of(link) for link in links]
    stored = "".join(serializers.serialize("json", model._default_manager.all()) for model in apps.get_models())
    assert links[0].public_id in stored
    logs = log_text.getvalue()
    assert "GET /s/…" in logs
    for token in tokens:
        assert token is not None
        assert token not in stored
        assert token[-22:] not in stored
        assert token not in logs
        assert token[-22:] not in logs


def test_an_error_page_does_not_repeat_the_token(make_dataset: MakeDataset) -> None:
    (link,) = dispatch_dataset(dataset_id=make_dataset(recipients=("rita@university.example",)).pk, now=timezone.now())
    visitor = Visitor(link)
    assert visitor.address not in visitor.get("/files/nothing").body.decode()
