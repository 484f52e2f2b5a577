"""Recipients who came after the end of their links: one waits for an answer, one was refused more time."""

from datetime import timedelta

from django.utils import timezone

from portal.actors import Actor
from sharing.models import RenewalRequest, ShareLink
from sharing.renewal_links import answer_token
from sharing.services.dispatch import make_links
from sharing.services.more_time import ask_for_more_time
from sharing.services.renewals import refuse_more_time
from tests.browser.facility.arrivals import Run, dataset_of
from tests.browser.facility.handing_over import link_of, send_mails
from tests.browser.facility.people import House

WAITS, REFUSED = "y.tanaka@university.example", "o.dahl@institute.example"


def come_too_late(house: House, run: Run) -> None:
    now = timezone.now()
    bob = house.people["bob"]
    make_links(
        dataset=dataset_of(run),
        recipients=[WAITS, REFUSED],
        owner=bob,
        label=bob.email,
        occasion="hand:late",
        starts_at=now - timedelta(days=9),
        expires_at=now - timedelta(days=2),
    )
    asked = {who: _ask(link_of(run, who)) for who in (WAITS, REFUSED)}
    refuse_more_time(
        request=asked[REFUSED],
        words="The paper is out: please take the published maps.",
        actor=house.actor("bob"),
        how=RenewalRequest.How.MEMBER,
        now=now - timedelta(minutes=20),
    )
    send_mails()


def renewal_tokens() -> dict[str, str]:
    """What opens the page on which somebody answers from the mail."""
    waits = RenewalRequest.objects.get(asked_by=WAITS)
    return {"waits": str(answer_token(waits, waits.asked_of[0]))}


def _ask(link: ShareLink) -> RenewalRequest:
    actor = Actor("recipient", str(link.pk), link.recipient)
    asked = ask_for_more_time(link=link, actor=actor, now=timezone.now() - timedelta(minutes=50))
    assert asked is not None
    return asked
