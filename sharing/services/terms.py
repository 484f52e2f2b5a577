"""What a link allows: until when, how often, in which ways, and with which password."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction

from portal.actors import Actor
from portal.errors import Conflict, Invalid
from portal.outbox import queue_notice
from sharing import events
from sharing.errors import LinkRevoked, NotReleased
from sharing.models import ShareLink, Way, all_ways
from sharing.services.data_ends import within_data
from sharing.services.renewals import note_given


@dataclass(frozen=True, slots=True)
class Terms:
    """`password` is "" for none; `most_downloads` None for as many as one likes; `ways` are values of `Way`."""

    password: str = ""
    most_downloads: int | None = None
    ways: Sequence[str] = field(default_factory=all_ways)

    def check(self) -> None:
        """Raises Invalid."""
        if not self.ways or not set(self.ways) <= set(Way.values):
            raise Invalid(f"Choose at least one way in which the data may be taken, of: {', '.join(Way.values)}.")
        if self.most_downloads is not None and self.most_downloads < 1:
            raise Invalid("Allow at least one download, or leave the number away for any number of them.")

    def columns(self) -> dict[str, Any]:
        """As the link holds them."""
        hashed = make_password(self.password) if self.password else ""
        return {"password_hash": hashed, "most_downloads": self.most_downloads, "ways": list(self.ways)}


@dataclass(frozen=True, slots=True)
class NewTerms:
    """What a link shall allow from now on. `password`: None leaves it as it is, "" takes it away."""

    expires_at: datetime
    most_downloads: int | None
    ways: Sequence[str]
    password: str | None = None


def change_terms(*, link: ShareLink, terms: NewTerms, actor: Actor, now: datetime) -> list[str]:
    """What was changed, by the names of the columns. A link that had ended works again, and its recipient is told.

    A later end is the day on which the data are deleted at the latest. Raises Invalid, NotReleased, LinkRevoked, and
    Conflict when it would gain nothing.
    """
    Terms(most_downloads=terms.most_downloads, ways=terms.ways).check()
    if terms.expires_at <= now:
        raise Invalid("The link would end at once. Choose a later day, or revoke it.")
    with transaction.atomic():
        locked = _locked(link)
        if terms.expires_at <= locked.starts_at:
            raise Invalid("The link would end before it begins to work. Choose a later day.")
        had_ended, wanted = locked.expires_at <= now, _wanted(locked, terms, now)
        changed = [name for name, value in wanted.items() if getattr(locked, name) != value]
        if "expires_at" in changed:
            wanted |= {"expiry_noted_at": None}
        for name, value in wanted.items():
            setattr(locked, name, value)
        locked.save(update_fields=list(wanted))
        if had_ended:
            note_given([locked.pk], until=locked.expires_at, actor=actor, now=now)
            _mail_again(locked, now)
        if changed:
            events.link_changed(locked, actor, names=changed)
    return changed


def send_again(*, link: ShareLink, actor: Actor, now: datetime) -> None:
    """The mail with the link once more; at most one a minute. Raises Conflict when it no longer works, NotReleased."""
    with transaction.atomic():
        locked = _locked(link)
        if not locked.is_open(now):
            raise Conflict("The link has ended. Give it a later day first; its recipient then gets the mail again.")
        _mail_again(locked, now)
        events.link_sent_again(locked, actor)


def slot_of_again(now: datetime) -> str:
    """Of the mail with a link that goes once more: at most one a minute."""
    return f"again:{now:%Y-%m-%dT%H:%M}"


def _locked(link: ShareLink) -> ShareLink:
    locked = ShareLink.objects.select_for_update(of=("self",)).select_related("dataset__project").get(pk=link.pk)
    if locked.revoked_at is not None:
        raise LinkRevoked("It was revoked, for good. Share the dataset again.")
    if not locked.dataset.may_be_shared:
        raise NotReleased("The data of this link are no longer kept. Nothing can be downloaded with it.")
    return locked


def _wanted(link: ShareLink, terms: NewTerms, now: datetime) -> dict[str, Any]:
    later = terms.expires_at > link.expires_at
    wanted: dict[str, Any] = {
        "expires_at": within_data(link, terms.expires_at, now) if later else terms.expires_at,
        "most_downloads": terms.most_downloads,
        "ways": list(terms.ways),
    }
    if terms.password is not None:
        wanted["password_hash"] = make_password(terms.password) if terms.password else ""
    return wanted


def _mail_again(link: ShareLink, now: datetime) -> None:
    queue_notice("dataset-ready", link.recipient, subject_id=link.pk, slot=slot_of_again(now), dataset=link.dataset)
