"""What is asked again when a reminder is written is what the sweep asked."""

import itertools
import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal import mail_facts, mail_sending
from portal.models import Dataset, Notice, User
from portal.outbox import new_notice, queue_notices
from reminders.services.remind import remind_recipients
from reminders.services.slots import links_to_remind
from reminders.services.still_due import Wishes, links_of_mails, links_with_policies
from sharing.models import ShareLink
from tests.reminders.conftest import NOW, WEEK, MakeDataset, MakeLink, SetPolicy, mailed

SEED = 20_261_121
LATER = NOW + WEEK + timedelta(hours=1)
MAILS = [[], ["sent"], ["bounced"], ["failed", "sent"], ["sent", "bounced", "due"]]
POLICIES: list[dict[str, Any]] = [{}, {"partial_is_used": False}, {"reminds": False}]


@pytest.mark.parametrize("policy", POLICIES)
def test_one_link_and_all_links_are_asked_the_same(
    policy: dict[str, Any], make_dataset: MakeDataset, make_link: MakeLink, set_policy: SetPolicy, alice: User
) -> None:
    set_policy(**policy)
    chance = random.Random(SEED)  # noqa: S311  (the same links each time)
    gone = User.objects.create_user("gone@facility.example", is_active=False)
    ends, revoked = [NOW + timedelta(days=30), LATER, LATER - WEEK / 2], [None, None, None, NOW]
    states = [ShareLink.State(name) for name in ("not_opened", "opened", "started", "complete")]
    answers = [ShareLink.Answer.NONE] * 4 + [ShareLink.Answer.HAS_IT]
    for _ in range(25):
        dataset = make_dataset(state=chance.choice([Dataset.State.RELEASED] * 4 + [Dataset.State.EXPIRED]))
        for recipient in ("rita@university.example", "ruth@university.example", "rita@university.example"):
            answer = chance.choice(answers)
            link = make_link(
                dataset=dataset, recipient=recipient, expires_at=chance.choice(ends),
                answer=answer, answered_at=NOW if answer else None,
                revoked_at=chance.choice(revoked), state=chance.choice(states[:2] * 2 + states),
                created_by=chance.choice([None, alice, alice, gone]),
            )  # fmt: skip
            for ended in chance.choice(MAILS):
                mailed(link, ended)
    every = list(ShareLink.objects.order_by("pk").values_list("pk", flat=True))
    for now in itertools.accumulate([LATER, timedelta(days=9)], lambda at, more: at + more):
        swept = set(links_to_remind(now).values_list("pk", flat=True))
        links = links_with_policies(every)
        wishes = Wishes(links)
        assert {link.pk for link in links if wishes.want_reminder(link, now)} == swept
        assert {link.pk for link in links if Wishes([link]).want_reminder(link, now)} == swept
        assert bool(swept) == policy.get("reminds", True)


@pytest.mark.parametrize(("fresh", "sent"), [(-1, 1), (3600, 2)])
def test_who_says_that_they_have_it_while_the_mail_before_is_sent_is_not_reminded(
    fresh: float, sent: int, make_link: MakeLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked for the whole batch counts for a moment only; if it did for longer, that would be noticed."""

    def answer_then_deliver(*arguments: Any) -> None:
        ShareLink.objects.filter(pk=second.pk).update(answer=ShareLink.Answer.HAS_IT, answered_at=LATER)
        really(*arguments)

    _first, second = make_link(recipient="rita@university.example"), make_link(recipient="ruth@university.example")
    really = mail_sending._deliver
    remind_recipients(now=LATER)
    monkeypatch.setattr(mail_facts, "FRESH", fresh)
    monkeypatch.setattr(mail_sending, "_deliver", answer_then_deliver)
    assert mail_sending.send_due_mail(clock=lambda: LATER)["sent"] == sent


def test_a_batch_of_reminders_asks_as_much_as_one(make_link: MakeLink) -> None:
    def cost(count: int) -> int:
        notices = list(Notice.objects.filter(kind="reminder").order_by("pk")[:count])
        with CaptureQueriesContext(connection) as queries:
            found = links_of_mails(notices)
        assert {found[notice.pk] is not None for notice in notices} == {True}
        return len(queries)

    for number in range(3):
        make_link(recipient=f"rita-{number}@university.example")
    remind_recipients(now=LATER)
    assert cost(1) == cost(3) == 5


def test_a_reminder_about_nothing_holds_up_no_other(make_link: MakeLink) -> None:
    make_link()
    remind_recipients(now=LATER)
    queue_notices([new_notice("reminder", "rita@university.example", subject_id="no link", slot="day 7")])
    assert mail_sending.send_due_mail(clock=lambda: LATER) == {"sent": 1, "due": 1}
    assert "could not be written" in Notice.objects.get(subject_id="no link").last_error
