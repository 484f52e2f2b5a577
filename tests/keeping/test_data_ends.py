"""No link is made longer than its data are kept, and everybody is told the day on which it is of no more use."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from keeping.models import RetentionClass
from keeping.services.keepings import extend
from portal.actors import SYSTEM
from portal.errors import Conflict
from portal.mail_text import write_letter
from portal.models import Dataset, Notice, Project, User
from reminders.services.remind import remind_recipients
from sharing.links import address_of
from sharing.models import RenewalPolicy, RenewalRequest, ShareLink
from sharing.services.data_ends import data_ends
from sharing.services.dispatch import announce
from sharing.services.extending import Extension, extend_links
from sharing.services.more_time import ask_for_more_time, days_given_at_once
from sharing.services.renewals import give_more_time
from sharing.services.terms import NewTerms, change_terms
from tests.keeping.conftest import MakeDataset, a_dataset, some_files
from tests.keeping.retention_story import a_class, a_link, at, day, everything, released

SAID = "The data are deleted on Tuesday 31 March 2026, so the link works no longer than that."


@pytest.fixture
def dataset(make_dataset: MakeDataset, project: Project) -> Dataset:
    """Deleted on day 30."""
    dataset = make_dataset(some_files(1, 10), name="run-1", **released())
    a_class(project)
    return dataset


@pytest.fixture
def ended(dataset: Dataset) -> ShareLink:
    """Since day 5."""
    return a_link(dataset, expires_at=day(5))


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    """Day 10."""
    monkeypatch.setattr("django.utils.timezone.now", at(10))


def end_of(link: ShareLink) -> float:
    """In days of the dataset's life."""
    link.refresh_from_db()
    return (link.expires_at - day(0)) / timedelta(days=1)


def asked_of(link: ShareLink, number: float = 10) -> RenewalRequest:
    asked = ask_for_more_time(link=link, actor=SYSTEM, now=day(number))
    assert asked
    return asked


@pytest.mark.usefixtures("today")
def test_more_time_that_is_given_at_once_ends_with_the_data(ended: ShareLink, project: Project, client: Client) -> None:
    RenewalPolicy.objects.create(project=project, answer="at_once", days=60)
    assert days_given_at_once(ended, day(10)) == 20
    path = f"{reverse('link', args=[str(address_of(ended)).rpartition('/')[2]])}/more-time"
    page = client.post(path).content.decode()
    assert "Your link works again, until Tuesday 31 March 2026." in page
    assert SAID in page
    assert end_of(ended) == 30
    letter = write_letter(Notice.objects.get(kind="more-time-given"))
    assert letter
    for part in (letter.text, letter.html):
        assert SAID in " ".join(part.split())


@pytest.mark.parametrize(("days", "end", "told"), [(60, 30, SAID), (7, 17, "")])
@pytest.mark.usefixtures("today")
def test_more_time_that_a_member_gives_ends_with_the_data(
    ended: ShareLink, bob: User, client: Client, days: int, end: int, told: str
) -> None:
    asked = asked_of(ended)
    client.force_login(bob)
    answer = {"answer": "grant", "days": days}
    page = client.post(reverse("answer_renewal_as_member", args=[ended.pk, asked.pk]), answer, follow=True)
    assert ("The data are deleted on" in page.content.decode()) == bool(told)
    assert told in page.content.decode()
    assert end_of(ended) == end


def test_nobody_promises_time_when_the_data_go_at_once(dataset: Dataset, ended: ShareLink) -> None:
    RenewalPolicy.objects.create(project=dataset.project, answer="at_once", days=60)
    for number in (16, 23, 29):
        everything(number)
    assert days_given_at_once(ended, day(30)) == 0
    asked = asked_of(ended, 30)
    assert asked.state == "waiting"  # a manager may have the data kept longer first
    with pytest.raises(Conflict, match="deleted on Tuesday 31 March 2026, so the link cannot work longer"):
        give_more_time(request=asked, days=7, actor=SYSTEM, how=RenewalRequest.How.MEMBER, now=day(30))


def test_the_end_of_one_link_is_at_most_that_of_its_data(dataset: Dataset) -> None:
    link = a_link(dataset, expires_at=day(12))
    change_terms(link=link, terms=NewTerms(day(60), None, ["zip"]), actor=SYSTEM, now=day(10))
    assert end_of(link) == 30
    change_terms(link=link, terms=NewTerms(day(14), None, ["zip"]), actor=SYSTEM, now=day(10))
    assert end_of(link) == 14
    already_longer = a_link(dataset, "ruth@university.example", occasion="hand", expires_at=day(40))
    change_terms(link=already_longer, terms=NewTerms(day(35), None, ["zip"]), actor=SYSTEM, now=day(10))
    assert end_of(already_longer) == 35
    with pytest.raises(Conflict, match="cannot work longer"):
        change_terms(link=already_longer, terms=NewTerms(day(50), None, ["zip"]), actor=SYSTEM, now=day(10))


@pytest.mark.usefixtures("today")
def test_many_links_end_with_their_data_and_the_page_says_so(
    dataset: Dataset, ended: ShareLink, bob: User, client: Client
) -> None:
    longest = a_link(dataset, "ruth@university.example", expires_at=day(200))
    soon = a_link(dataset, "rob@university.example", expires_at=day(12))
    client.force_login(bob)
    page = reverse("dataset_links", args=[dataset.pk])
    answered = client.post(page, {"which": "open", "days": "19", "until": ""}, follow=True).content.decode()
    said = "link was extended. The data are deleted on Tuesday 31 March 2026, so no link can work longer than that."
    assert said in answered
    assert (end_of(soon), end_of(longest), end_of(ended)) == (30, 200, 5)
    extended = extend_links(dataset=dataset, which="ended", extension=Extension(days=3), actor=SYSTEM, now=day(10))
    assert (extended.count, extended.data_end, end_of(ended)) == (1, None, 13)


def test_a_link_for_whose_end_the_deletion_waits_may_end_later(dataset: Dataset, ended: ShareLink) -> None:
    RetentionClass.objects.update(counted_from=RetentionClass.CountedFrom.ALL_COMPLETE)
    done = a_link(dataset, "ruth@university.example", expires_at=day(5), completed_at=day(2), state="complete",
                  first_taken_at=day(2))  # fmt: skip
    said = extend_links(dataset=dataset, which="ended", extension=Extension(days=90), actor=SYSTEM, now=day(10))
    assert (said.count, said.data_end) == (2, day(35))
    assert (end_of(ended), end_of(done)) == (100, 35)


def test_a_project_that_keeps_everything_gives_what_is_asked_for(dataset: Dataset, ended: ShareLink) -> None:
    RetentionClass.objects.all().delete()
    give_more_time(request=asked_of(ended), days=900, actor=SYSTEM, how=RenewalRequest.How.MEMBER, now=day(10))
    assert end_of(ended) == 910


def pages_and_mail_of(link: ShareLink, client: Client) -> list[str]:
    """What its recipient reads: the page, and both parts of the mail that brought the link."""
    announce([link], SYSTEM)
    letter = write_letter(Notice.objects.get(kind="dataset-ready", subject_id=link.pk))
    assert letter
    page = client.get(reverse("link", args=[str(address_of(link)).rpartition("/")[2]])).content.decode()
    return [page, " ".join(letter.text.split()), " ".join(letter.html.split())]


@pytest.mark.parametrize("looked_at", [False, True], ids=["before the clock looked", "after it"])
@pytest.mark.usefixtures("today")
def test_a_recipient_reads_the_day_of_the_deletion_where_it_comes_before_the_end_of_the_link(
    dataset: Dataset, client: Client, looked_at: bool
) -> None:
    if looked_at:
        everything(1)
    for said in pages_and_mail_of(a_link(dataset, expires_at=day(60)), client):
        assert "Tuesday 31 March 2026" in said
        assert SAID in said
        assert "30 April" not in said


@pytest.mark.usefixtures("today")
def test_a_recipient_reads_the_end_of_the_link_where_it_comes_first(dataset: Dataset, client: Client) -> None:
    for said in pages_and_mail_of(a_link(dataset, expires_at=day(20)), client):
        assert "Saturday 21 March 2026" in said
        assert "deleted on" not in said


@pytest.mark.usefixtures("today")
def test_data_that_are_kept_longer_give_their_links_the_rest_of_their_time(dataset: Dataset, client: Client) -> None:
    link = a_link(dataset, expires_at=day(40))
    everything(1)
    extend(dataset=dataset, actor=SYSTEM, now=day(10), manages=True)
    for said in pages_and_mail_of(link, client):
        assert "Friday 10 April 2026" in said
        assert "deleted on" not in said


@pytest.mark.usefixtures("today")
def test_a_reminder_tells_of_the_deletion(dataset: Dataset) -> None:
    a_link(dataset, expires_at=day(60))
    remind_recipients(now=day(10))
    letter = write_letter(Notice.objects.get(kind="reminder"))
    assert letter
    for part in (letter.text, letter.html):
        assert SAID in " ".join(part.split())
        assert "30 April" not in part


@pytest.mark.usefixtures("today")
def test_whoever_shares_for_longer_than_the_data_are_kept_is_told(dataset: Dataset, bob: User, client: Client) -> None:
    client.force_login(bob)
    page = reverse("share_dataset", args=[dataset.pk])
    form = client.get(page).context["form"]
    wish = {
        "recipients": "ruth@university.example",
        "days": "60",
        "ways": ["zip"],
        "occasion": form["occasion"].value(),
    }
    said = client.post(page, wish, follow=True).content.decode()
    assert "on their way. The data are deleted on Tuesday 31 March 2026, so no link can work longer than that." in said
    link = ShareLink.objects.get(recipient="ruth@university.example")
    assert SAID in client.get(reverse("link_terms", args=[link.pk])).content.decode()


def test_the_end_of_the_data_costs_the_same_for_any_number_of_links(
    dataset: Dataset, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    a_link(dataset)
    everything(1)
    with django_assert_num_queries(3):
        assert [end.at for end in data_ends([dataset], day(10)).values()] == [day(30)]
    for number in range(5):
        a_link(dataset, f"r{number}@university.example")
    with django_assert_num_queries(3):
        data_ends([dataset], day(10))


def test_datasets_of_which_none_has_a_row_yet_have_the_classes_of_their_own_projects(
    dataset: Dataset,
) -> None:
    another = Project.objects.create(code="other", name="Other", contact_email="o@example.org")
    a_class(another, days=50)
    other = a_dataset(another, some_files(1, 10), name="run-2", **released())
    ends = data_ends([dataset, other], day(10))
    assert {pk: end.at for pk, end in ends.items()} == {dataset.pk: day(30), other.pk: day(50)}


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.usefixtures("today")
def test_whoever_says_i_have_it_is_told_when_that_lets_the_data_be_deleted(
    dataset: Dataset, client: Client, early: bool
) -> None:
    RetentionClass.objects.update(deletes_early=early)
    path = reverse("link", args=[str(address_of(a_link(dataset))).rpartition("/")[2]])
    said = " ".join(client.get(f"{path}/i-have-it").content.decode().split())
    assert ("when all recipients have them, they are deleted, and the link ends with them" in said) == early
    assert "all recipients" not in client.get(f"{path}/not-me").content.decode()
