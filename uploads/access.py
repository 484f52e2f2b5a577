"""Who sends: an upload token in the Authorization header, or a member who is logged in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from portal.access import MAY_SEND, may_send, signed_in_actor, visible_datasets
from portal.actors import Actor
from portal.client_address import client_address
from portal.csrf_check import require_csrf_token
from portal.errors import Forbidden, NotFound, NotSignedIn
from portal.models import ACCESS_TOKEN_PREFIX, Dataset, Instrument, Project, User
from portal.random_tokens import token_digest
from uploads.drop_access import authorise_drop, sendings_of
from uploads.models import TOKEN_PREFIX, DropLink, Upload, UploadQuerySet, UploadToken

_USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody from outside with a drop link, and the datasets that their browser began."""

    link: DropLink
    dataset_ids: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, and with which token or drop link if it is no person."""

    actor: Actor
    token: UploadToken | None = None
    drop: "Visit | None" = None

    @property
    def key(self) -> str:
        """As it stands in `Dataset.sender` and `Upload.sender`."""
        return f"{self.actor.kind}:{self.actor.id}"

    @property
    def told_emails(self) -> list[str]:
        """Who hears of release, download and damage of a dataset that this sender begins."""
        if self.drop:
            return list(self.drop.link.notify_emails)
        return list(self.token.notification_emails) if self.token else [self.actor.label]

    @property
    def keys(self) -> list[str]:
        """Its own, and those of the tokens that its token replaces: it goes on with what they began.

        Cost: one query for a token that was renewed, else none.
        """
        if self.token is None or self.token.replaces_id is None:
            return [self.key]
        replaced = UploadToken.objects.filter(family=self.token.family, pk__lt=self.token.pk)
        return [self.key, *(f"{self.actor.kind}:{pk}" for pk in replaced.values_list("pk", flat=True))]


def sender_of(request: HttpRequest) -> Sender:
    """The sender, or NotSignedIn (401). A session counts only with its CSRF token.

    Cost: one query, and for a token one UPDATE a minute.
    """
    header = request.headers.get("Authorization", "")
    if header:
        scheme, _, secret = header.partition(" ")
        if secret.strip().startswith(ACCESS_TOKEN_PREFIX):
            raise Forbidden(
                "A personal access token reads and shares. To send data, use an upload token of the project."
            )
        if scheme.lower() != "bearer" or not secret.strip().startswith(TOKEN_PREFIX):
            raise _unknown_token()
        return _sender_by_token(request, secret.strip(), timezone.now())
    if token := request.headers.get("Drop-Link", ""):
        require_csrf_token(request)
        return visitor(request, authorise_drop(token, timezone.now()))
    if not request.user.is_authenticated:
        raise NotSignedIn("Send your upload token as `Authorization: Bearer lcu_…`, or sign in.")
    require_csrf_token(request)
    return Sender(signed_in_actor(request))


def visitor(request: HttpRequest, link: DropLink, label: str = "") -> Sender:
    """Whoever holds the link, named by ``label`` where they have said who they are."""
    client = request.headers.get("User-Agent", "")[:200]
    actor = Actor("visitor", str(link.pk), label or f"visitor with “{link.title}”", client_address(request), client)
    return Sender(actor, drop=Visit(link, sendings_of(request, link)))


def sender_project(sender: Sender, code: str | None) -> tuple[Project, Instrument | None]:
    """Where a new dataset of this sender belongs. A token has its project; a person names one."""
    if sender.drop:
        raise Forbidden("Begin a sending on the page of the link.")
    if sender.token:
        if code and code != sender.token.project.code:
            raise Forbidden(f"This token sends into the project {sender.token.project.code!r} only.")
        return sender.token.project, sender.token.instrument
    project = Project.objects.filter(code=code or "").first()
    if project is None or not may_send(sender.actor.user or _nobody(), project):
        raise NotFound(f"You have no project {code!r} to send into. Ask its manager to make you an operator.")
    return project, None


def sendable_datasets(sender: Sender) -> QuerySet[Dataset]:
    """Datasets this sender may fill: those of the token's instrument, or of the projects a person sends into."""
    datasets = Dataset.objects.select_related("project", "instrument")
    if sender.token:
        own = Q(sender__in=sender.keys)
        if sender.token.instrument_id:
            own |= Q(instrument=sender.token.instrument_id)
        return datasets.filter(own, project=sender.token.project_id)
    if sender.drop:
        return datasets.filter(pk__in=sender.drop.dataset_ids, drop__link=sender.drop.link)
    user = sender.actor.user or _nobody()
    if user.is_staff:
        return visible_datasets(user)
    return datasets.filter(project__memberships__user=user, project__memberships__role__in=MAY_SEND)


def dataset_to_send(sender: Sender, dataset_id: UUID) -> Dataset:
    dataset = sendable_datasets(sender).filter(pk=dataset_id).first()
    if dataset is None:
        raise NotFound("There is no such dataset that you may send to. Check its id.")
    return dataset


def sendable_uploads(sender: Sender) -> UploadQuerySet:
    """Uploads this sender may go on with: a person's own, or those of the token's instrument."""
    uploads = Upload.objects.select_related("dataset__project", "file")
    own = Q(sender__in=sender.keys)
    if sender.drop:
        own &= Q(dataset__in=sender.drop.dataset_ids)
    if sender.token and sender.token.instrument_id:
        own |= Q(dataset__instrument=sender.token.instrument_id, dataset__project=sender.token.project_id)
    return uploads.filter(own)


def _sender_by_token(request: HttpRequest, secret: str, now: datetime) -> Sender:
    token = UploadToken.objects.select_related("project", "instrument").filter(digest=token_digest(secret)).first()
    if token is None:
        raise _unknown_token()
    if token.revoked_at:
        raise NotSignedIn(
            "This upload token was revoked. Ask a manager of the project for a new one.", code="token_revoked"
        )
    if token.is_expired(now):
        raise NotSignedIn(
            "This upload token has expired. Ask a manager of the project for a new one.", code="token_expired"
        )
    address, client = client_address(request), request.headers.get("User-Agent", "")[:200]
    _note_use(token, address, client, now)
    return Sender(Actor("upload_token", str(token.pk), token.label, address, client), token)


def _unknown_token() -> NotSignedIn:
    return NotSignedIn("This upload token is not known. Check that it was copied whole.", code="token_unknown")


def _note_use(token: UploadToken, address: str, client: str, now: datetime) -> None:
    if token.last_used_at and now - token.last_used_at < _USE_NOTED_EVERY:
        return
    UploadToken.objects.filter(pk=token.pk).update(last_used_at=now, last_used_from=address)
    if token.instrument_id:
        heard = f"{client} at {address}"[:200]
        Instrument.objects.filter(pk=token.instrument_id).update(last_contact_at=now, last_contact_from=heard)


def _nobody() -> User:
    return User(is_active=False)
