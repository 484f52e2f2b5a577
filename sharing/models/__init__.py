"""Who may take what, until when; and what was taken."""

from portal.link_tokens import new_public_id  # the first migration names it here
from sharing.models.links import ShareLink, ShareLinkQuerySet, Way, all_ways
from sharing.models.receipts import Receipt, RunningRequest
from sharing.models.renewals import ANSWER_WITHIN, LONGEST_DAYS, RenewalPolicy, RenewalRequest, policy_of

__all__ = [
    "ANSWER_WITHIN",
    "LONGEST_DAYS",
    "Receipt",
    "RenewalPolicy",
    "RenewalRequest",
    "RunningRequest",
    "ShareLink",
    "ShareLinkQuerySet",
    "Way",
    "all_ways",
    "new_public_id",
    "policy_of",
]
