"""Whether a reminder that was queued is still wanted, in the moment in which it is written."""

from datetime import datetime

from portal.models import Dataset
from reminders.due import LinkFacts, Used, wants
from reminders.services.policies import policy_at_hand, policy_of
from reminders.services.remind import USED
from sharing.models import ShareLink
from sharing.undelivered import undelivered

RELATED = ("dataset__project__reminder_policy", "dataset__instrument", "created_by")
FURTHEST = (Used.WHOLE, Used.PARTLY, Used.NOT)


def link_to_remind(link_id: str, now: datetime) -> ShareLink | None:
    """The link, if ``links_to_remind`` has it at ``now``; without its recent slots. Three plain queries: the one over
    all links takes longer to be put together than a mail to be sent."""
    link = ShareLink.objects.select_related(*RELATED).filter(pk=link_id).first()
    if link is None or link.dataset.state != Dataset.State.RELEASED:
        return None
    if link.created_by and not link.created_by.is_active:
        return None
    siblings = list(ShareLink.objects.filter(dataset=link.dataset_id, recipient=link.recipient).order_by())
    if any(other.pk > link.pk and other.revoked_at is None and _is_running(other, now) for other in siblings):
        return None
    used = {USED[ShareLink.State(other.state)] for other in siblings}
    facts = LinkFacts(
        link.starts_at,
        link.expires_at,
        revoked=link.revoked_at is not None,
        answered=any(other.answer for other in siblings),
        undelivered=link.pk in undelivered([link]),
        used=next(each for each in FURTHEST if each in used),
    )
    return link if wants(now, policy_of(policy_at_hand(link.dataset.project)), facts) else None


def _is_running(link: ShareLink, now: datetime) -> bool:
    return link.starts_at <= now < link.expires_at
