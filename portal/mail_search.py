"""Finding mails in the outbox: each filter has an index that also gives the order, or bounds it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import QuerySet

from portal.filter_forms import DayField, FilterForm
from portal.models import Notice
from portal.period import begin_of, end_of
from portal.templatetags.states import state_word


@dataclass(frozen=True, slots=True)
class MailWish:
    """What to look for; empty fields do not matter. ``address`` is exact, ``until`` is not included."""

    state: str = ""
    kind: str = ""
    address: str = ""
    since: datetime | None = None
    until: datetime | None = None


def search_mail(wish: MailWish) -> QuerySet[Notice]:
    """The mails of ``wish``, to be ordered by id."""
    mails = Notice.objects.select_related("dataset")
    if wish.state:
        mails = mails.filter(state=wish.state)
    if wish.kind:
        mails = mails.filter(kind=wish.kind)
    if wish.address:
        mails = mails.filter(to__in={wish.address, wish.address.lower()})
    if wish.since:
        mails = mails.filter(created_at__gte=wish.since)
    if wish.until:
        mails = mails.filter(created_at__lt=wish.until)
    return mails


def kind_word(kind: str) -> str:
    return kind.replace("-", " ")


class MailFilter(FilterForm[MailWish]):
    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[("", "any"), *((state, state_word(state)) for state in Notice.State.values)],
    )
    kind = forms.ChoiceField(label="Mail", required=False)
    address = forms.CharField(
        label="To", required=False, max_length=254, widget=forms.SearchInput(attrs={"placeholder": "e-mail address"})
    )
    since = DayField("From")
    until = DayField("Until")

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        kinds = [("", "any"), *((kind, kind_word(kind)) for kind in sorted(settings.MAILS))]
        self.fields["kind"].choices = kinds  # type: ignore[attr-defined]

    def wish_of(self, valid: dict[str, Any]) -> MailWish:
        return MailWish(
            state=valid.get("state", ""),
            kind=valid.get("kind", ""),
            address=valid.get("address", ""),
            since=begin_of(valid.get("since")),
            until=end_of(valid.get("until")),
        )
