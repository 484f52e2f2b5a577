"""Recipients who came too late get more time at once or after somebody's answer, once for each end of their link."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.actors import Actor
from portal.logs import redact
from portal.mail_text import write_letter
from portal.models import AuditEvent, Dataset, Membership, Notice, Project, User
from sharing.errors import AlreadyAnswered
from sharing.models import RenewalPolicy, RenewalRequest, ShareLink
from sharing.models.renewals import ANSWER_WITHIN
from sharing.needs import more_time_asked_for
from sharing.renewal_links import answer_token, opened_by
from sharing.services.more_time import ask_for_more_time, days_given_at_once
from sharing.services.renewals import give_more_time, refuse_more_time
from sharing.services.terms import NewTerms, change_terms
from tests.sharing.conftest import MakeLink, Visitor

pytestmark = pytest.mark.django_db
How, State = RenewalRequest.How, RenewalRequest.State
DAY = timedelta(days=1)


def over(link: ShareLink, *, by: timedelta = timedelta(hours=1)) -> ShareLink:
    """`link`, whose time ended a while ago."""
    end = timezone.now() - by
    ShareLink.objects.filter(pk=link.pk).update(starts_at=end - DAY, expires_at=end)
    return ShareLink.objects.select_related("dataset__project", "created_by").get(pk=link.pk)


def asked_with(link: ShareLink, now: datetime | None = None) -> RenewalRequest:
    request = ask_for_more_time(link=link, actor=rita(link), now=now or timezone.now())
    assert request is not None
    return request


def rita(link: ShareLink) -> Actor:
    return Actor("recipient", str(link.pk), link.recipient)


def kinds() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("kind", flat=True))


def letter_of(kind: str) -> Any:
    letter = write_letter(Notice.objects.get(kind=kind))
    assert letter is not None
    return letter


@pytest.fixture
def bob_s_link(dataset: Dataset, make_link: MakeLink, bob: User) -> ShareLink:
    return over(make_link(dataset, owner=bob, label=bob.email))


@pytest.fixture
def at_once(project: Project) -> RenewalPolicy:
    return RenewalPolicy.objects.create(project=project, answer="at_once", days=5, most_times=2)


@pytest.mark.parametrize(
    ("answer", "most_times", "given", "at_once"),
    [("ask", 1, 0, False), ("ask", 9, 0, False), ("at_once", 1, 0, True), ("at_once", 1, 1, False),
     ("at_once", 3, 2, True), ("at_once", 3, 3, False)],
)  # fmt: skip
def test_a_policy_gives_at_once_only_so_often(answer: str, most_times: int, given: int, at_once: bool) -> None:
    assert RenewalPolicy(answer=answer, most_times=most_times).gives_at_once(given) is at_once


def test_given_at_once_the_same_link_works_again_and_everybody_is_told(
    at_once: RenewalPolicy, bob_s_link: ShareLink
) -> None:
    visitor = Visitor(bob_s_link)
    assert "Get 5\N{NO-BREAK SPACE}more days" in visitor.get().body.decode()
    answer = visitor.client.post(f"{visitor.address}/more-time")
    assert "You have more time" in answer.content.decode()
    assert visitor.get().status_code == 200
    request = RenewalRequest.objects.get()
    assert (request.state, request.how, request.asked_by) == (State.GRANTED, How.AT_ONCE, bob_s_link.recipient)
    assert kinds()[-2:] == ["more_time_given", "more_time_asked"] or kinds()[-2:] == [
        "more_time_asked",
        "more_time_given",
    ]
    letter = letter_of("more-time-given")
    assert visitor.address in letter.text
    assert not Notice.objects.filter(kind="more-time-asked").exists()


def test_beyond_its_limit_a_policy_asks_a_manager(at_once: RenewalPolicy, bob_s_link: ShareLink) -> None:
    for _ in range(2):
        assert asked_with(over(bob_s_link)).state == State.GRANTED
    late = over(bob_s_link)
    assert days_given_at_once(late, timezone.now()) == 0
    assert asked_with(late).state == State.WAITING
    assert Notice.objects.get(kind="more-time-asked").to == "bob@facility.example"


def test_asked_twice_is_asked_once_for_each_end(bob_s_link: ShareLink) -> None:
    first, again = asked_with(bob_s_link), asked_with(bob_s_link)
    assert first == again
    assert Notice.objects.filter(kind="more-time-asked").count() == kinds().count("more_time_asked") == 1
    give_more_time(request=first, days=1, actor=rita(bob_s_link), how=How.MEMBER, now=timezone.now())
    assert asked_with(over(bob_s_link)) != first


def test_the_mail_opens_a_page_that_changes_nothing_until_somebody_answers(bob_s_link: ShareLink) -> None:
    request = asked_with(bob_s_link)
    page = f"/more-time/{answer_token(request, 'bob@facility.example')}"
    assert page in letter_of("more-time-asked").text
    anybody = Client()
    for method in (anybody.get, anybody.head):
        assert method(page).status_code == 200
    assert RenewalRequest.objects.get().state == State.WAITING
    assert anybody.post(page, {"answer": "grant", "days": 0}).status_code == 422
    assert anybody.post(page, {"answer": "grant"}).status_code == 422
    assert anybody.post(page, {"answer": "grant", "days": 3}).status_code == 302
    request.refresh_from_db()
    assert (request.state, request.how, request.answered_by) == (State.GRANTED, How.MAIL, "bob@facility.example")
    assert Visitor(bob_s_link).get().status_code == 200
    assert "has more time" in anybody.get(page).content.decode()
    assert anybody.post(page, {"answer": "refuse"}).status_code == 200
    assert RenewalRequest.objects.get().state == State.GRANTED


def test_a_refusal_is_told_to_the_recipient_with_its_words(bob_s_link: ShareLink) -> None:
    request = asked_with(bob_s_link)
    page = f"/more-time/{answer_token(request, 'bob@facility.example')}"
    Client().post(page, {"answer": "refuse", "words": "The <paper> is out.\nBob"})
    letter = letter_of("more-time-refused")
    assert "The <paper> is out." in letter.text
    assert "The &lt;paper&gt; is out.<br>Bob" in letter.html
    refused = Visitor(bob_s_link).get()
    assert refused.status_code == 410
    assert "The &lt;paper&gt; is out." in refused.body.decode()
    assert "Ask for more time</button>" not in refused.body.decode()
    assert kinds()[-1] == "more_time_refused"


def test_an_answering_address_is_for_one_request_one_person_and_two_weeks(
    bob_s_link: ShareLink, bob: User, project: Project
) -> None:
    request = asked_with(bob_s_link)
    token = str(answer_token(request, "bob@facility.example"))
    assert opened_by(token) == (request, "bob@facility.example")
    for wrong in ("", "lcr_x", token[:-1], token[:-1] + ("A" if token[-1] != "A" else "B"), "lcs_" + token[4:],
                  str(answer_token(request, "eve@elsewhere.example"))):  # fmt: skip
        assert opened_by(wrong) is None
        assert Client().get(f"/more-time/{wrong or 'x'}").status_code == 404
    Membership.objects.filter(user=bob, project=project).update(role="viewer")
    assert Client().get(f"/more-time/{token}").status_code == 410
    Membership.objects.filter(user=bob, project=project).update(role="operator")
    RenewalRequest.objects.update(asked_at=timezone.now() - ANSWER_WITHIN)
    assert Client().post(f"/more-time/{token}", {"answer": "grant", "days": 3}).status_code == 410
    assert RenewalRequest.objects.get().state == State.WAITING
    assert token[4:20] not in redact(f"GET /more-time/{token}")


def test_a_member_answers_on_the_page_of_the_link_once(bob_s_link: ShareLink, bob: User) -> None:
    request = asked_with(bob_s_link)
    client = Client()
    client.force_login(bob)
    address = reverse("answer_renewal_as_member", args=[bob_s_link.pk, request.pk])
    page = client.get(reverse("link_terms", args=[bob_s_link.pk])).content.decode()
    assert address in page
    assert "more time was asked for" in client.get(bob_s_link.dataset.get_absolute_url()).content.decode()
    assert client.post(address, {"answer": "grant", "days": 4}, follow=True).status_code == 200
    assert Visitor(bob_s_link).get().status_code == 200
    assert client.post(address, {"answer": "refuse"}).status_code == 409
    after = client.get(reverse("link_terms", args=[bob_s_link.pk])).content.decode()
    assert address not in after
    assert "given until" in after


def test_the_home_page_asks_only_those_who_may_answer(
    bob_s_link: ShareLink, bob: User, alice: User, sam: User, project: Project
) -> None:
    asked_with(bob_s_link)
    Membership.objects.filter(user=alice, project=project).update(role="viewer")
    texts = {
        person: [need.text for need in more_time_asked_for(person, timezone.now())] for person in (bob, alice, sam)
    }
    assert ["asked for more time" in text for text in texts[bob]] == [True]
    assert texts[alice] == []
    assert len(texts[sam]) == 1


def test_nobody_is_asked_for_what_would_be_of_no_use(bob_s_link: ShareLink, bob: User) -> None:
    now = timezone.now()
    User.objects.filter(pk=bob.pk).update(is_active=False)
    stopped = ShareLink.objects.select_related("dataset__project", "created_by").get(pk=bob_s_link.pk)
    assert ask_for_more_time(link=stopped, actor=rita(stopped), now=now) is None
    assert "more-time" not in Visitor(bob_s_link).get().body.decode()
    User.objects.filter(pk=bob.pk).update(is_active=True)
    asked_with(bob_s_link)
    Dataset.objects.update(state=Dataset.State.EXPIRED)
    assert more_time_asked_for(bob, now) == []
    assert write_letter(Notice.objects.get(kind="more-time-asked")) is None


def test_who_makes_a_link_longer_has_answered(bob_s_link: ShareLink, bob: User) -> None:
    request = asked_with(bob_s_link)
    now = timezone.now()
    terms = NewTerms(now + 9 * DAY, None, bob_s_link.ways)
    change_terms(link=bob_s_link, terms=terms, actor=Actor.of_user(bob), now=now)
    request.refresh_from_db()
    assert (request.state, request.until, request.answered_by) == (State.GRANTED, now + 9 * DAY, bob.email)
    with pytest.raises(AlreadyAnswered, match="has given more time already"):
        refuse_more_time(request=request, words="", actor=Actor.of_user(bob), how=How.MEMBER, now=now)


def test_a_manager_sets_the_policy_on_a_page_and_the_audit_has_it(alice: User, project: Project) -> None:
    client = Client()
    client.force_login(alice)
    page = reverse("more_time_policy", args=[project.code])
    assert page in client.get(reverse("project_settings", args=[project.code])).content.decode()
    sent = {"answer": "at_once", "days": 5, "most_times": 2}
    for wrong in ({"days": 0}, {"most_times": 0}, {"answer": "perhaps"}):
        assert client.post(page, sent | wrong).status_code == 422
    for _ in range(2):
        assert client.post(page, sent).status_code == 302
    policy = RenewalPolicy.objects.get()
    assert (policy.answer, policy.days, policy.most_times) == ("at_once", 5, 2)
    assert kinds() == ["project_changed"]


def test_those_are_asked_who_may_answer(dataset: Dataset, link: ShareLink, bob: User, charlie: User) -> None:
    """Charlie has an account but is no member; the staff's list belongs to nobody; Bob left after he was asked."""
    list_of_staff = "em-staff@facility.example"
    for addresses, asked in [
        ([list_of_staff, charlie.email, bob.email], [list_of_staff, bob.email]),
        ([charlie.email], ["em@facility.example"]),
    ]:
        Dataset.objects.update(operator_emails=addresses)
        request = asked_with(over(link))
        assert request.asked_of == asked
        assert [Client().get(f"/more-time/{answer_token(request, address)}").status_code for address in asked] == [
            200
        ] * len(asked)
        Membership.objects.filter(user=bob).delete()
    assert Notice.objects.filter(kind="more-time-asked", to=charlie.email).count() == 0
    first = RenewalRequest.objects.earliest("pk")
    assert Client().get(f"/more-time/{answer_token(first, bob.email)}").status_code == 410
