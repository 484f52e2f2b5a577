"""What is asked again when a reminder is written is what the sweep asked."""

import itertools
import random
from datetime import timedelta
from typing import Any

import pytest

from portal.models import Dataset, User
from reminders.services.slots import links_to_remind
from reminders.services.still_due import link_to_remind
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
        assert {pk for pk in every if link_to_remind(str(pk), now)} == swept
        assert bool(swept) == policy.get("reminds", True)
