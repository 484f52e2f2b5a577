"""People outside who send files in by drop links: one link in use, one with a password, one ended, one over."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import NAMESPACE_URL, uuid5

from portal.actors import Actor
from tests.browser.facility.moved_clock import Story
from tests.browser.facility.people import House
from uploads.access import Sender, Visit
from uploads.drop_access import TOKENS
from uploads.models import Drop, DropLink
from uploads.services.datasets import DatasetWish, create_dataset
from uploads.services.drops import DropLinkWish, make_drop_link, note_drop, revoke_drop_link
from uploads.services.file_wishes import RawWish
from uploads.services.files import announce_files

BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0"


@dataclass(frozen=True)
class Asked:
    """A drop link by its title."""

    title: str
    made_days_ago: float
    lasts_days: int
    message: str = ""
    instrument: str = ""
    password: str = ""
    limit_gb: int = 0


ASKED = {
    "open": Asked(
        "Reference maps for the nuclear pore",
        made_days_ago=4,
        lasts_days=30,
        message="Please send the unfiltered half maps with the mask.\nIf a map is larger than 4 GB, call us first.",
        limit_gb=200,
    ),
    "locked": Asked("Grids of the hospital, clipped in May", 2, 14, instrument="krios", password="grid box 17"),
    "revoked": Asked("Old detector tests", 20, 60),
    "expired": Asked("Supplement to the GPCR paper", 30, 14),
}


def let_visitors_send(story: Story, house: House) -> None:
    for asked in ASKED.values():
        _ask(story, house, asked)
    revoked = story.now - timedelta(days=12)
    story.at(revoked, lambda: revoke_drop_link(link=link_titled("revoked"), actor=house.actor("alice"), now=revoked))
    for number, (name, email) in enumerate(
        [("Karl Huber", "k.huber@clinic.example"), ("Mei Tanaka", "mei@lab.example")]
    ):
        _send(story, house, name, email, number)


def drop_tokens() -> dict[str, str]:
    links = {key: link_titled(key) for key in ASKED}
    return {key: TOKENS.of(link.public_id, link.key_id) or "" for key, link in links.items()}


def dropped() -> str:
    """The dataset that the first visitor began."""
    return str(Drop.objects.earliest("pk").dataset_id)


def link_titled(key: str) -> DropLink:
    return DropLink.objects.get(title=ASKED[key].title)


def _ask(story: Story, house: House, asked: Asked) -> None:
    moment = story.now - timedelta(days=asked.made_days_ago)
    wish = DropLinkWish(
        title=asked.title,
        message=asked.message,
        expires_at=moment + timedelta(days=asked.lasts_days),
        instrument=house.instruments.get(asked.instrument),
        password=asked.password,
        limit_bytes=asked.limit_gb * 10**9 or None,
        notify_emails=[house.people["alice"].email],
    )
    project, actor = house.projects["cryo-em"], house.actor("alice")
    story.at(moment, lambda: make_drop_link(project=project, actor=actor, wish=wish, now=moment))


def _send(story: Story, house: House, name: str, email: str, number: int) -> None:
    moment = story.now - timedelta(days=3, hours=-5 * number)

    def send() -> None:
        link = link_titled("open")
        actor = Actor("visitor", str(link.pk), f"{name}, {email}", f"203.0.113.{80 + number}", BROWSER)
        wish = DatasetWish(client_key=str(uuid5(NAMESPACE_URL, email)), title=f"Half maps of {name}")
        sender = Sender(actor, drop=Visit(link, []))
        dataset, _ = create_dataset(sender=sender, project=link.project, instrument=None, wish=wish, now=moment)
        note_drop(dataset=dataset, link=link, name=name, email=email)
        maps = [RawWish(f"half_map_{half}.mrc", 1_843_200_000 + half, sha256="0" * 63 + str(half)) for half in (1, 2)]
        announce_files(dataset_id=dataset.pk, raw_wishes=maps, now=moment)

    story.at(moment, send)
