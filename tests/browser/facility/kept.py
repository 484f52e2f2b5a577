"""How long the datasets are kept: classes of a project, one that goes soon, one that is held."""

from datetime import timedelta

from django.utils import timezone

from keeping.answer_links import TOKENS
from keeping.models import AskedPerson
from keeping.services.classes import make_class
from keeping.services.keepings import assign_keeping, hold
from keeping.services.retention import keep_by_the_clock
from portal.models import Dataset
from sharing.models import ShareLink
from sharing.services.by_hand import ShareWish, share_by_hand
from tests.browser.facility.handing_over import send_mails
from tests.browser.facility.people import House

GOES_SOON = "Proteasome 26S, grid 1"
HELD = "Ribosome with chloramphenicol"
ITO = "s.ito@institute.example"


def keep_for_a_time(house: House) -> None:
    """From today on, with the notice that this takes."""
    project, alice = house.projects["cryo-em"], house.actor("alice")
    make_class(project=project, actor=alice, name="three months", days=90, counted_from="last_access", is_default=True)
    make_class(project=project, actor=alice, name="until the paper is out", days=None)
    screening = make_class(project=project, actor=alice, name="screening", days=30, deletes_early=True)
    soon, held = (Dataset.objects.get(title=title) for title in (GOES_SOON, HELD))
    assign_keeping(dataset=soon, retention=screening, owner=ITO, actor=alice)
    hold(dataset=held, reason="Under review at the journal until May", actor=alice, now=timezone.now())
    keep_by_the_clock(clock=timezone.now)
    for_long = ShareWish([ITO], timezone.now() + timedelta(days=120), "for long")
    share_by_hand(dataset=soon, wish=for_long, actor=alice, now=timezone.now())
    send_mails()


def link_that_outlasts_its_data() -> ShareLink:
    return ShareLink.objects.get(dataset__title=GOES_SOON, recipient=ITO, occasion__startswith="hand")


def answer_tokens() -> dict[str, str]:
    """What opens the pages of those who were warned that `GOES_SOON` is deleted: a manager, the owner."""
    asked = AskedPerson.objects.filter(keeping__dataset__title=GOES_SOON).order_by("-pk")
    return {each.role: str(TOKENS.of(each.public_id, each.key_id)) for each in asked}
