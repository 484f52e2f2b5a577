"""Who works here and with what."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from portal.actors import SYSTEM, Actor
from portal.models import Instrument, Membership, Project, User
from portal.services.access_tokens import make_access_token
from portal.services.instruments import create_instrument
from portal.services.people import add_member, add_person
from portal.services.projects import create_project
from reminders.services.policies import change_policy
from uploads.access import Sender
from uploads.models import UploadToken, new_token, token_digest

PASSWORD = "correct horse battery staple"
Role = Membership.Role

HOUSE = "193.40.12."
AT_THE_DESK = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


AGENT = "labcourier-agent/0.1.0"


def agent_address(token: UploadToken) -> str:
    return f"10.20.4.{10 + token.pk}"


@dataclass
class House:
    """The people, projects, instruments and upload tokens the story needs, by short names."""

    people: dict[str, User]
    projects: dict[str, Project]
    instruments: dict[str, Instrument]
    tokens: dict[str, UploadToken]

    def actor(self, person: str) -> Actor:
        return Actor.of_user(self.people[person], f"{HOUSE}{20 + self.people[person].pk}", AT_THE_DESK)

    def sender(self, instrument: str) -> Sender:
        """The PC of an instrument, with the token it was connected with."""
        token = self.tokens[instrument]
        return Sender(Actor("upload_token", str(token.pk), token.label, agent_address(token), AGENT), token)


def open_house() -> House:
    """Staff, three projects and an empty one; each person may log in with PASSWORD."""
    people = {
        "sam": _person("sam@biocentre.example", "Sam Stern", is_staff=True),
        "alice": _person("alice@biocentre.example", "Alice Abel"),
        "bob": _person("bob@biocentre.example", "Bob Berg"),
        "dana": _person("dana@biocentre.example", "Dana Okafor"),
        "vera": _person("vera@biocentre.example", "Vera Lindqvist"),
        "charlie": _person("charlie@elsewhere.example", "Charlie Cole"),
    }
    sam = Actor.of_user(people["sam"], f"{HOUSE}21", AT_THE_DESK)
    projects = _projects(sam)
    change_policy(project=projects["cryo-em"], actor=sam, copies_to="token")
    members = [("bob", "cryo-em", Role.OPERATOR), ("vera", "cryo-em", Role.VIEWER), ("alice", "imaging", Role.MANAGER)]
    for person, code, role in members:
        add_member(project=projects[code], email=people[person].email, role=role, actor=sam)
    _program_of(people["alice"])
    return House(people, projects, _instruments(projects, sam), {})


def _person(email: str, name: str, *, is_staff: bool = False) -> User:
    return add_person(email=email, name=name, actor=SYSTEM, password=PASSWORD, is_staff=is_staff)


def _program_of(person: User) -> None:
    """An access token, by which a program of theirs reads."""
    actor, now = Actor.of_user(person, f"{HOUSE}21", AT_THE_DESK), timezone.now()
    make_access_token(actor=actor, label="Cluster, login node", scope="read", lifetime=timedelta(days=365), now=now)


def _projects(sam: Actor) -> dict[str, Project]:
    return {
        "cryo-em": create_project(
            actor=sam,
            code="cryo-em",
            name="Cryo-EM service",
            description="Single-particle data and tomography for users of the Biocentre and its guests.",
            contact_email="cryo-em@biocentre.example",
            manager="alice@biocentre.example",
            quota_bytes=60 * 10**12,
        ),
        "genomics": create_project(
            actor=sam,
            code="genomics",
            name="Sequencing core",
            description="Runs of the NovaSeq, demultiplexed.",
            contact_email="sequencing@biocentre.example",
            manager="dana@biocentre.example",
            link_days=60,
        ),
        "imaging": create_project(
            actor=sam,
            code="imaging",
            name="Light microscopy",
            contact_email="imaging@biocentre.example",
            manager="dana@biocentre.example",
        ),
        "x-ray": create_project(
            actor=sam,
            code="x-ray",
            name="X-ray tomography",
            contact_email="x-ray@biocentre.example",
            manager="alice@biocentre.example",
        ),
    }


def _instruments(projects: dict[str, Project], sam: Actor) -> dict[str, Instrument]:
    where = [
        ("krios", "cryo-em", "Krios 2", "300 kV, K3 and Falcon 4i, room B 014"),
        ("glacios", "cryo-em", "Glacios", "200 kV, for screening, room B 012"),
        ("aquilos", "cryo-em", "Aquilos 2", "Cryo-FIB, room B 009"),
        ("novaseq", "genomics", "NovaSeq 6000", "Room C 210"),
        ("sheet", "imaging", "Lattice light sheet", "Room A 003"),
    ]
    return {
        key: create_instrument(project=projects[code], actor=sam, name=name, description=about)
        for key, code, name, about in where
    }


def connect(house: House, instrument: str, *, label: str, by: str, now: datetime, lifetime: timedelta | None) -> None:
    """An upload token for the PC of ``instrument``; from then on the house sends with it."""
    machine = house.instruments[instrument]
    house.tokens[instrument] = UploadToken.objects.create(
        project=machine.project,
        instrument=machine,
        label=label,
        digest=token_digest(new_token()),
        notification_emails=[house.people[by].email],
        created_by=house.people[by],
        expires_at=now + lifetime if lifetime else None,
    )
