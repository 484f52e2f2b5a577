"""What the page of a link says of reminders: when the next one comes, or why none does. Named in ``settings``."""

from dataclasses import replace
from datetime import datetime

from portal.models import Dataset, Notice
from portal.templatetags.times import minute_text
from reminders.due import LinkFacts, Policy, Used, all_slots, allowed_from, due
from reminders.services.policies import policy_at_hand, policy_of
from reminders.services.slots import REMINDER, day_of_slot
from reminders.services.still_due import Wishes, links_with_policies
from sharing.models import ShareLink


def next_reminder(link: ShareLink, now: datetime) -> str:
    """One sentence; empty for a link that is over. Six queries."""
    (link,) = links_with_policies([link.pk])
    if link.is_over(now) or link.dataset.state != Dataset.State.RELEASED:
        return ""
    policy, wishes = policy_of(policy_at_hand(link.dataset.project)), Wishes([link])
    mails = Notice.objects.filter(kind=REMINDER, subject_id=str(link.pk)).order_by("pk").values_list("slot", "state")
    sent, facts = [state for _, state in mails if state != Notice.State.DROPPED], wishes.facts_of(link)
    if why := _why_none(link, policy, facts, wishes.has_newer(link, now), len(sent)):
        return f"No reminder comes: {why}."
    last = day_of_slot(mails[len(mails) - 1][0]) if mails else None
    at = _next_moment(replace(policy, most=None), replace(facts, last_day=last), now)
    if at is None:
        return "No reminder comes any more before the link ends."
    if at <= now:
        return "A reminder is due and goes out within some minutes."
    return f"The next reminder goes out on {minute_text(at)}, unless something is taken before."


def _why_none(link: ShareLink, policy: Policy, facts: LinkFacts, has_newer: bool, sent: int) -> str:
    used = facts.used is Used.WHOLE or (facts.used is Used.PARTLY and policy.partial_is_used)
    owner_left = link.created_by is not None and not link.created_by.is_active
    reasons = [
        (not policy.reminds, "the project has turned them off"),
        (owner_left, "whoever shared the data has no account any more, so the link does not work"),
        (used, "data were taken"),
        (facts.answered, "the recipient answered that none is needed"),
        (has_newer, "it is the newer link of this recipient of which they are reminded"),
        (facts.undelivered, "the newest mail did not arrive; correct the address or send it again"),
        (policy.most is not None and sent >= policy.most, f"the project sends at most {policy.most} for a link"),
    ]
    return next((why for holds, why in reasons if holds), "")


def _next_moment(policy: Policy, facts: LinkFacts, now: datetime) -> datetime | None:
    """``now`` or a later one; None when no slot is left."""
    soonest = allowed_from(now, policy)
    if due(soonest, policy, facts):
        return soonest
    return next((slot.at for slot in all_slots(policy, facts) if slot.at > now), None)
