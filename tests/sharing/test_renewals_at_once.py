"""Whoever asks, answers or ticks at the same moment: one row, one answer, one mail, one digest."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from portal.actors import Actor
from portal.digests import DIGEST, tell_of_download
from portal.models import AuditEvent, Dataset, DigestLine, Membership, Notice, Project, User
from sharing.errors import AlreadyAnswered
from sharing.models import RenewalPolicy, RenewalRequest, ShareLink
from sharing.services.extending import Extension, extend_links
from sharing.services.more_time import ask_for_more_time
from sharing.services.renewals import give_more_time, refuse_more_time
from tests.portal.many_connections import at_once, shared_database
from tests.sharing.conftest import MakeLink

pytestmark = pytest.mark.django_db(transaction=True)
TIMES = 6
DAY = timedelta(days=1)
How, State = RenewalRequest.How, RenewalRequest.State


@pytest.fixture
def late(dataset: Dataset, make_link: MakeLink) -> ShareLink:
    now = timezone.now()
    made = make_link(dataset, starts_at=now - 2 * DAY, expires_at=now - DAY)
    return ShareLink.objects.select_related("dataset__project", "created_by").get(pk=made.pk)


def asks(link: ShareLink) -> Callable[[], object]:
    actor, now = Actor("recipient", str(link.pk), link.recipient), timezone.now()
    return lambda: ask_for_more_time(link=link, actor=actor, now=now)


def test_asked_in_six_places_at_once_it_is_asked_once(late: ShareLink, tmp_path: Path) -> None:
    with shared_database(tmp_path):
        at_once(asks(late), TIMES)
        assert RenewalRequest.objects.get().state == State.WAITING
        assert Notice.objects.filter(kind="more-time-asked").count() == 1
        assert AuditEvent.objects.filter(kind="more_time_asked").count() == 1


def test_a_policy_that_gives_once_gives_once_to_six_at_once(late: ShareLink, project: Project, tmp_path: Path) -> None:
    RenewalPolicy.objects.create(project=project, answer="at_once", days=5, most_times=1)
    with shared_database(tmp_path):
        at_once(asks(late), TIMES)
        assert RenewalRequest.objects.get().how == How.AT_ONCE
        late.refresh_from_db()
        assert timedelta(days=4) < late.expires_at - timezone.now() <= timedelta(days=5)
        assert Notice.objects.filter(kind="more-time-given").count() == 1


def test_of_six_answers_at_once_the_first_holds(late: ShareLink, bob: User, tmp_path: Path) -> None:
    asks(late)()
    request, actor, now = RenewalRequest.objects.get(), Actor.of_user(bob), timezone.now()
    refused: list[str] = []

    def answer() -> None:
        try:
            if len(refused) % 2:
                refuse_more_time(request=request, words="", actor=actor, how=How.MEMBER, now=now)
            else:
                give_more_time(request=request, days=3, actor=actor, how=How.MAIL, now=now)
        except AlreadyAnswered as error:
            refused.append(error.message)

    with shared_database(tmp_path):
        at_once(answer, TIMES)
        assert len(refused) == TIMES - 1
        assert AuditEvent.objects.filter(kind__in=["more_time_given", "more_time_refused"]).count() == 1
        assert Notice.objects.filter(kind__in=["more-time-given", "more-time-refused"]).count() == 1


def test_six_workers_with_the_same_news_make_one_digest(dataset: Dataset, bob: User, tmp_path: Path) -> None:
    Membership.objects.filter(user=bob).update(told_of_downloads="daily")
    now = timezone.now()

    def tell() -> None:
        tell_of_download("download-complete", [bob.email], dataset=dataset, said="x", subject_id=1, slot="x", now=now)

    with shared_database(tmp_path):
        at_once(tell, TIMES)
        assert DigestLine.objects.count() == Notice.objects.filter(kind=DIGEST).count() == 1


def test_links_are_extended_while_their_recipients_ask(dataset: Dataset, make_link: MakeLink, tmp_path: Path) -> None:
    """Each locks what the other needs next, in another order; nobody may be turned away for it."""
    now = timezone.now()
    for number in range(TIMES):
        make_link(dataset, f"r{number}@x.example", starts_at=now - 2 * DAY, expires_at=now - DAY)
    links = list(ShareLink.objects.select_related("dataset__project", "created_by"))
    works = [asks(link) for link in links]
    actor = Actor("system", "portal", "the portal")

    def work() -> None:
        try:
            works.pop()()
        except IndexError:
            extend_links(dataset=dataset, which="ended", extension=Extension(3), actor=actor, now=now)

    with shared_database(tmp_path):
        at_once(work, TIMES + 2)
        assert not ShareLink.objects.filter(expires_at__lte=now).exists()
        assert not RenewalRequest.objects.waiting().exists()
