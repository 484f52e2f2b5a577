"""One of everything, for the access matrix: a project, its people, a released dataset with a file, a link, a mail."""

import hashlib
import re
import zlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from delivery.models import Delivery, Destination, Hook
from delivery.signatures import new_secret
from delivery.vault import lock_away
from keeping.answer_links import TOKENS as TOKENS_TO_KEEP
from keeping.models import AskedPerson, Keeping, RetentionClass
from portal import storage
from portal.actors import Actor
from portal.link_tokens import current_key_id
from portal.models import AccessToken, DataFile, Dataset, Instrument, Membership, Notice, Project, User
from portal.services.access_tokens import make_access_token
from sharing.links import token_of
from sharing.models import RenewalRequest
from sharing.renewal_links import answer_token
from sharing.services.dispatch import make_links
from tests.conftest import PASSWORD
from uploads.drop_access import TOKENS
from uploads.models import Agent, Bundle, DropLink, Upload, UploadToken, new_token, token_digest

PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
CONTENT = b"II*\0 an image"


@dataclass(frozen=True)
class World:
    """``samples`` are values for the parameters of addresses, by name; ``headers`` say who asks, by name."""

    samples: dict[str, str]
    headers: dict[str, dict[str, str]]

    def address(self, route: str) -> str:
        """``datasets/<uuid:dataset_id>/`` as ``/datasets/8c…/``; an unknown parameter needs a sample in this file."""
        return "/" + PARAMETER.sub(lambda match: self.samples[match[1]], route)


def make_world() -> World:
    now = timezone.now()
    project = Project.objects.create(code="em", name="Electron microscopy", contact_email="em@facility.example")
    instrument = Instrument.objects.create(project=project, name="Krios 2", slug="krios-2")
    people = {
        name: User.objects.create_user(f"{name}@facility.example", PASSWORD) for name in ("charlie", "vera", "bob")
    }
    people["alice"] = User.objects.create_user("alice@facility.example", PASSWORD)
    people["sam"] = User.objects.create_user("sam@facility.example", PASSWORD, is_staff=True)
    for name, role in (("vera", "viewer"), ("bob", "operator"), ("alice", "manager")):
        Membership.objects.create(project=project, user=people[name], role=role)
    secret = new_token()
    token = UploadToken.objects.create(
        project=project,
        instrument=instrument,
        label="Krios 2, control PC",
        digest=token_digest(secret),
        created_by=people["alice"],
    )
    dataset = _released_dataset(project, instrument, token)
    link = make_links(
        dataset=dataset,
        recipients=["rita@university.example"],
        owner=people["bob"],
        label="bob@facility.example",
        occasion="hand:1",
        starts_at=now,
        expires_at=now + timedelta(days=30),
    )[0]
    renewal = RenewalRequest.objects.create(
        link=link, ended_at=now, asked_by=link.recipient, asked_at=now, asked_of=["bob@facility.example"]
    )
    upload = Upload.objects.create(
        dataset=dataset, sender=dataset.sender, length=10, touched_at=now, expires_at=now + timedelta(days=7)
    )
    bundle = Bundle.objects.create(upload=upload, dataset=dataset, file_count=1, manifest_at=512, size=10)
    agent = Agent.objects.create(
        token=token,
        family=token.family,
        agent_id=uuid4(),
        host="krios-pc",
        version="0.1.0",
        interval_s=60,
        started_at=now,
        first_heard_at=now,
        last_heard_at=now,
        silent_from=now + timedelta(minutes=5),
    )
    notice = Notice.objects.create(
        kind="dataset-ready",
        subject_id=str(link.pk),
        slot="release",
        to=link.recipient,
        dataset=dataset,
        message_id="<1>",
    )
    drop_link = DropLink.objects.create(
        key_id=current_key_id(),
        project=project,
        title="Scans",
        created_by=people["bob"],
        expires_at=now + timedelta(days=30),
    )
    destination = Destination.objects.create(
        project=project, name="Archive", kind="webdav", place="https://cloud.example.org", created_by=people["bob"]
    )
    delivery = Delivery.objects.create(dataset=dataset, destination=destination, occasion="release")
    hook = Hook.objects.create(
        project=project,
        url="https://127.0.0.1:9/",
        locked=lock_away({"secret": new_secret()}),
        created_by=people["alice"],
    )
    keeping = Keeping.objects.create(dataset=dataset)
    asked = AskedPerson.objects.create(keeping=keeping, email=link.recipient, role="recipient", key_id=current_key_id())
    samples = {
        "hook_id": str(hook.pk),
        "class_id": str(RetentionClass.objects.create(project=project, name="one year", days=365).pk),
        "keep_token": str(TOKENS_TO_KEEP.of(asked.public_id, asked.key_id)),
        "delivery_id": str(delivery.pk),
        "destination_id": str(destination.pk),
        "kind": "webdav",
        "drop_link_id": str(drop_link.pk),
        "drop_token": str(TOKENS.of(drop_link.public_id, drop_link.key_id)),
        "drop_id": str(dataset.pk),
        "code": project.code,
        "slug": instrument.slug,
        "person_id": str(people["bob"].pk),
        "dataset_id": str(dataset.pk),
        "key": "arrival",
        "path": "image.tif",
        "name": dataset.name,
        "link_id": str(link.pk),
        "renewal_id": str(renewal.pk),
        "answer_token": str(answer_token(renewal, "bob@facility.example")),
        "token": str(token_of(link)),
        "token_id": str(token.pk),
        "file_id": str(_older_version(dataset).pk),
        "agent_number": str(agent.pk),
        "upload_id": upload.pk,
        "bundle_id": bundle.pk,
        "notice_id": str(notice.pk),
        "access_token_id": str(_access_token_of(people["bob"]).pk),
        "uidb36": "1",
        "app_label": "portal",
        "object_id": str(project.pk),
        "id": str(people["bob"].pk),
        "content_type_id": "1",
        "url": "nothing",
    }
    sessions = {name: {"Cookie": _session_of(person)} for name, person in people.items()}
    return World(samples, {"nobody": {}, **sessions, "ada": {"Authorization": f"Bearer {secret}"}})


def _released_dataset(project: Project, instrument: Instrument, token: UploadToken) -> Dataset:
    now = timezone.now()
    dataset = Dataset.objects.create(
        project=project,
        instrument=instrument,
        client_key=uuid4().hex,
        sender=f"upload_token:{token.pk}",
        sent_by=token.label,
        name="2026-11-20_18.20.37-32-x",
        title="Image",
        state="released",
        closed_at=now,
        released_at=now,
        dispatched_at=now,
        revision=1,
        file_count=1,
        verified_count=1,
        bytes_expected=len(CONTENT),
        bytes_verified=len(CONTENT),
    )
    DataFile.objects.create(
        dataset=dataset,
        path="image.tif",
        path_key=hashlib.sha256(b"image.tif").hexdigest(),
        size=len(CONTENT),
        state="verified",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        crc32=zlib.crc32(CONTENT),
        verified_at=now,
    )
    place = storage.store().path(f"{storage.dataset_key(dataset)}/image.tif")
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT)
    return dataset


def _older_version(dataset: Dataset) -> DataFile:
    file = DataFile.objects.create(
        dataset=dataset,
        path="image.tif",
        path_key=hashlib.sha256(b"image.tif").hexdigest(),
        size=len(CONTENT),
        state="superseded",
        kept="aside",
    )
    storage.store().path(storage.version_key(file)).write_bytes(CONTENT)
    return file


def _access_token_of(person: User) -> AccessToken:
    return make_access_token(
        actor=Actor.of_user(person), label="laptop", scope="share", lifetime=timedelta(days=365), now=timezone.now()
    )[0]


def _session_of(person: User) -> str:
    client = Client()
    client.force_login(person)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def all_routes() -> list[str]:
    """Every address the portal answers, as it stands in the ``urls`` modules, regular expressions made readable."""
    return sorted(set(_walk(get_resolver().url_patterns, "")))


def _walk(patterns: list[URLPattern | URLResolver], before: str) -> list[str]:
    found = []
    for pattern in patterns:
        route = before + _readable(str(pattern.pattern))
        found += _walk(pattern.url_patterns, route) if isinstance(pattern, URLResolver) else [route]
    return found


def _readable(pattern: str) -> str:
    if not pattern.startswith("^") and "(?P<" not in pattern:
        return pattern
    return re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", pattern).strip("^$")
