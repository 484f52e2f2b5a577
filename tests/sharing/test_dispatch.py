"""A released dataset reaches its recipients: one link and one mail each, once, whatever is repeated or lost."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.models import AuditEvent, Dataset, Notice, Project, User
from portal.queue import enqueue
from sharing.models import ShareLink
from sharing.services.dispatch import dispatch_dataset, dispatch_forgotten
from tests.conftest import Bells
from tests.sharing.conftest import MakeDataset, Visitor

pytestmark = pytest.mark.django_db
TWO = ("rita@university.example", "K.Andersson@Institute.example")


def test_each_recipient_gets_one_link_and_one_mail(make_dataset: MakeDataset) -> None:
    dataset, now = make_dataset(recipients=TWO), timezone.now()
    dispatch_dataset(dataset_id=dataset.pk, now=now)
    links = ShareLink.objects.filter(dataset=dataset).order_by("recipient")
    assert [link.recipient for link in links] == ["k.andersson@institute.example", "rita@university.example"]
    assert len({link.public_id for link in links}) == 2
    mails = Notice.objects.filter(kind="dataset-ready").order_by("to")
    assert [(mail.to, mail.subject_id) for mail in mails] == [(link.recipient, str(link.pk)) for link in links]
    assert AuditEvent.objects.filter(kind="link_made", dataset_id=dataset.pk).count() == 2


def test_links_last_as_long_as_the_project_says(make_dataset: MakeDataset, project: Project) -> None:
    now = timezone.now()
    for days in (30, 3):
        Project.objects.filter(pk=project.pk).update(link_days=days)
        dataset = make_dataset(recipients=TWO[:1])
        (link,) = dispatch_dataset(dataset_id=dataset.pk, now=now)
        assert (link.starts_at, link.expires_at) == (now, now + timedelta(days=days))


def test_dispatching_again_does_nothing(make_dataset: MakeDataset) -> None:
    dataset = make_dataset(recipients=TWO)
    for _ in range(3):
        dispatch_dataset(dataset_id=dataset.pk, now=timezone.now())
    Dataset.objects.filter(pk=dataset.pk).update(dispatched_at=None)
    assert dispatch_dataset(dataset_id=dataset.pk, now=timezone.now()) == []
    assert ShareLink.objects.count() == 2
    assert Notice.objects.filter(kind="dataset-ready").count() == 2
    assert Notice.objects.filter(kind="dataset-released").count() == 1


@pytest.mark.parametrize("state", ["open", "closed"])
def test_nothing_is_handed_over_before_the_release(make_dataset: MakeDataset, state: str) -> None:
    closed_at = None if state == "open" else timezone.now()
    dataset = make_dataset(recipients=TWO, state=state, released_at=None, closed_at=closed_at)
    assert dispatch_dataset(dataset_id=dataset.pk, now=timezone.now()) == []
    assert dispatch_forgotten(now=timezone.now()) == 0
    assert not Notice.objects.exists()


def test_a_lost_bell_is_made_good_by_the_sweep(make_dataset: MakeDataset) -> None:
    make_dataset(recipients=TWO)
    assert dispatch_forgotten(now=timezone.now()) == 1
    assert dispatch_forgotten(now=timezone.now()) == 0
    assert ShareLink.objects.count() == 2


def test_the_bell_of_the_release_dispatches(
    make_dataset: MakeDataset, bells: Bells, django_capture_on_commit_callbacks: Any
) -> None:
    dataset = make_dataset(recipients=TWO)
    with django_capture_on_commit_callbacks(execute=True):
        enqueue("sharing.tasks.dispatch_dataset_task", str(dataset.pk))
    (name, ids) = bells.pop()
    assert name == "sharing.tasks.dispatch_dataset_task"
    from sharing.tasks import dispatch_dataset_task

    dispatch_dataset_task(*ids)
    assert ShareLink.objects.count() == 2


def test_operators_are_told_at_the_token_s_addresses_else_at_the_project_s(make_dataset: MakeDataset) -> None:
    for addresses, told in (
        (["a@x.example", "b@x.example", "a@x.example"], ["a@x.example", "b@x.example"]),
        ([], ["em@facility.example"]),
    ):
        dataset = make_dataset(operator_emails=addresses)
        dispatch_dataset(dataset_id=dataset.pk, now=timezone.now())
        mails = Notice.objects.filter(kind="dataset-released", dataset=dataset).order_by("to")
        assert [mail.to for mail in mails] == told


def test_what_a_member_sent_is_theirs_and_what_an_instrument_sent_is_nobody_s(
    make_dataset: MakeDataset, bob: User
) -> None:
    by_bob = make_dataset(recipients=TWO[:1], sender=f"user:{bob.pk}", sent_by=bob.email)
    by_instrument = make_dataset(recipients=TWO[:1])
    (his,) = dispatch_dataset(dataset_id=by_bob.pk, now=timezone.now())
    (nobodys,) = dispatch_dataset(dataset_id=by_instrument.pk, now=timezone.now())
    assert (his.created_by, his.created_by_label) == (bob, bob.email)
    assert (nobodys.created_by, nobodys.created_by_label) == (None, "Krios 2, control PC")


def test_the_first_complete_download_is_told_once(make_dataset: MakeDataset) -> None:
    dataset = make_dataset(recipients=TWO)
    first, second = map(Visitor, dispatch_dataset(dataset_id=dataset.pk, now=timezone.now()))
    first.get_zip(range="bytes=0-99")
    assert not Notice.objects.filter(kind="first-complete-download").exists()
    first.get_zip()
    first.get_zip()
    second.get_zip()
    mail = Notice.objects.get(kind="first-complete-download")
    assert (mail.to, mail.context) == ("em-staff@facility.example", {"link": first.link.pk})


def test_handing_over_to_fifty_costs_one_query_each_at_most(
    make_dataset: MakeDataset, django_assert_max_num_queries: Any
) -> None:
    few, many = (make_dataset(recipients=tuple(f"r{n}@u.example" for n in range(count))) for count in (1, 51))
    with django_assert_max_num_queries(25):
        dispatch_dataset(dataset_id=few.pk, now=timezone.now())
    with django_assert_max_num_queries(25 + 50 * 6):  # the audit's chain: one row after the other
        dispatch_dataset(dataset_id=many.pk, now=timezone.now())
