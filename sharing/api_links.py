"""What a person's own programs do about the end of links: make many longer, and answer who asks for more time."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Field, Router, Schema
from pydantic import StringConstraints

from portal.access import may_send, require
from portal.access_tokens import member_of, reader_of
from portal.api_member import acting, asking, dataset_of_member
from portal.errors import NotFound
from sharing.api_receipts import MOST, Limit
from sharing.models import LONGEST_DAYS, RenewalRequest, policy_of
from sharing.services.extending import Extension, extend_links
from sharing.services.renewals import MOST_WORDS, give_more_time, refuse_more_time

router = Router(tags=["members"])
How = RenewalRequest.How
Days = Annotated[int, Field(ge=1, le=LONGEST_DAYS)]
_A_MANAGER = "a manager of the project"


class ExtensionIn(Schema):
    """`links` are ids for `ticked`. Either `days`, from the end of each link or now, or `until`, with a time zone."""

    which: Literal["ticked", "open", "ended"] = "ticked"
    links: Annotated[list[Annotated[int, Field(ge=1, lt=2**63)]], Field(max_length=10_000)] = []
    days: Days | None = None
    until: datetime | None = None


class ExtendedOut(Schema):
    """`data_end`: when the data are deleted, if that is why links got less than was asked for, or nothing."""

    extended: int
    data_end: datetime | None


class RenewalOut(Schema):
    """`state`: waiting, granted (`until`) or refused (`words`); `how`: at_once, mail or member."""

    id: int
    link: int
    recipient: str
    state: str
    ended_at: datetime
    asked_at: datetime
    answered_at: datetime | None
    answered_by: str
    how: str
    until: datetime | None
    words: str

    @classmethod
    def of(cls, request: RenewalRequest) -> Self:
        same = {name: getattr(request, name) for name in cls.model_fields if name not in ("link", "recipient")}
        return cls(**same, link=request.link_id, recipient=request.asked_by)


class RenewalsOut(Schema):
    renewals: list[RenewalOut]
    next: int | None


class AnswerIn(Schema):
    """`days`: None for as many as the project has set; `words` are told to the recipient when it is refused."""

    answer: Literal["grant", "refuse"]
    days: Days | None = None
    words: Annotated[str, StringConstraints(max_length=MOST_WORDS)] = ""


@router.post("/{dataset_id}/links/extend", response=ExtendedOut, auth=member_of)
def extend(request: HttpRequest, dataset_id: UUID, wish: ExtensionIn) -> ExtendedOut:
    """The same links work longer; whoever's had ended gets the mail with it again. Revoked links stay as they are."""
    dataset, now = dataset_of_member(request, dataset_id), timezone.now()
    require(may_send(asking(request), dataset.project), f"{_A_MANAGER} to extend links")
    until = timezone.make_aware(wish.until) if wish.until and timezone.is_naive(wish.until) else wish.until
    extended = extend_links(
        dataset=dataset,
        which=wish.which,
        ticked=wish.links,
        extension=Extension(wish.days, until),
        actor=acting(request),
        now=now,
    )
    return ExtendedOut(extended=extended.count, data_end=extended.data_end)


@router.get("/{dataset_id}/renewals", response=RenewalsOut, auth=reader_of)
def renewals(
    request: HttpRequest, response: HttpResponse, dataset_id: UUID, cursor: int = 0, limit: Limit = MOST
) -> RenewalsOut:
    """Who asked for more time, oldest first. `next` is the cursor of the following page. Cost: two queries."""
    response["Cache-Control"] = "private, no-store"
    found = RenewalRequest.objects.filter(link__dataset=dataset_of_member(request, dataset_id), pk__gt=cursor)
    page = list(found.order_by("pk")[: limit + 1])
    last = page[limit - 1].pk if len(page) > limit else None
    return RenewalsOut(renewals=[RenewalOut.of(one) for one in page[:limit]], next=last)


@router.post("/{dataset_id}/renewals/{renewal_id}", response=RenewalOut, auth=member_of)
def answer(request: HttpRequest, dataset_id: UUID, renewal_id: int, said: AnswerIn) -> RenewalOut:
    """Grants or refuses, once: 409 `already_answered` afterwards. The recipient is told either way."""
    dataset, actor, now = dataset_of_member(request, dataset_id), acting(request), timezone.now()
    require(may_send(asking(request), dataset.project), f"{_A_MANAGER} to answer")
    asked = RenewalRequest.objects.filter(link__dataset=dataset, pk=renewal_id).first()
    if asked is None:
        raise NotFound("Nobody asked that. What was asked stands under “renewals”.")
    if said.answer == "refuse":
        done = refuse_more_time(request=asked, words=said.words, actor=actor, how=How.MEMBER, now=now)
    else:
        days = said.days or policy_of(dataset.project).days
        done = give_more_time(request=asked, days=days, actor=actor, how=How.MEMBER, now=now)
    return RenewalOut.of(done)
