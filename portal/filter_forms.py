"""What lists can be narrowed by. Filters stay in the address; a wrong one is told and the others still work."""

from datetime import date
from typing import Any, Generic, TypeVar

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from portal.audit_search import AuditWish
from portal.audit_words import AUDIT_WORDS
from portal.dataset_search import DatasetWish
from portal.folders import SHOWN_STATES
from portal.models import Dataset, Instrument, Project
from portal.period import begin_of, end_of
from portal.templatetags.states import state_word

Wish = TypeVar("Wish")


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class DayField(forms.DateField):
    """A day of the portal's time: zones and additions stay within the calendar."""

    def __init__(self, label: str) -> None:
        super().__init__(
            label=label,
            required=False,
            widget=DayInput(),
            validators=[MinValueValidator(date(1970, 1, 1)), MaxValueValidator(date(2999, 12, 31))],
        )


class FilterForm(forms.Form, Generic[Wish]):
    """Bound to the address. ``wish()`` is what its valid fields ask for."""

    use_required_attribute = False

    def wish(self) -> Wish:
        self.is_valid()
        return self.wish_of(self.cleaned_data)

    def wish_of(self, valid: dict[str, Any]) -> Wish:
        raise NotImplementedError


class DatasetFilter(FilterForm[DatasetWish]):
    q = forms.CharField(
        label="Search",
        required=False,
        max_length=200,
        widget=forms.SearchInput(attrs={"placeholder": "name, keyword, recipient, metadata"}),
    )
    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[("", "any"), *((state, state_word(state)) for state in Dataset.State.values)],
    )
    instrument = forms.ModelChoiceField(
        label="Instrument",
        required=False,
        queryset=Instrument.objects.none(),
        to_field_name="slug",
        empty_label="any",
    )
    since = DayField("From")
    until = DayField("To")

    def __init__(self, data: Any, project: Project) -> None:
        super().__init__(data)
        self.fields["instrument"].queryset = project.instruments.all()  # type: ignore[attr-defined]

    def wish_of(self, valid: dict[str, Any]) -> DatasetWish:
        return DatasetWish(
            text=valid.get("q", ""),
            state=valid.get("state", ""),
            instrument=valid.get("instrument"),
            since=begin_of(valid.get("since")),
            until=end_of(valid.get("until")),
        )


class FileFilter(forms.Form):
    """``folder`` and ``from`` come from our own links."""

    use_required_attribute = False

    q = forms.CharField(label="Path contains", required=False, max_length=200, widget=forms.SearchInput())
    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[("", "any"), *((state, state_word(state)) for state in SHOWN_STATES)],
    )


class FilePlace(forms.Form):
    """Where in the tree: from our own links, so nothing is told when it makes no sense."""

    folder = forms.CharField(required=False, strip=False, max_length=1024)
    start = forms.CharField(required=False, strip=False, max_length=1100)


class AuditFilter(FilterForm[AuditWish]):
    person = forms.CharField(
        label="Who",
        required=False,
        max_length=254,
        widget=forms.SearchInput(attrs={"placeholder": "e-mail address, or name of an upload token"}),
    )
    project = forms.CharField(
        label="Project", required=False, max_length=40, widget=forms.TextInput(attrs={"placeholder": "its short name"})
    )
    dataset = forms.CharField(
        label="Dataset", required=False, max_length=160, widget=forms.TextInput(attrs={"placeholder": "name or id"})
    )
    kind = forms.ChoiceField(
        label="What",
        required=False,
        choices=[
            ("", "anything"),
            *sorted(((kind, words.kind) for kind, words in AUDIT_WORDS.items()), key=lambda c: c[1]),
        ],
    )
    since = DayField("From")
    until = DayField("To")

    def wish_of(self, valid: dict[str, Any]) -> AuditWish:
        return AuditWish(
            person=valid.get("person", ""),
            project=valid.get("project", ""),
            dataset=valid.get("dataset", ""),
            kind=valid.get("kind", ""),
            since=begin_of(valid.get("since")),
            until=end_of(valid.get("until")),
        )


class NameFilter(FilterForm[str]):
    """People and instruments: a part of a name or an address."""

    q = forms.CharField(label="Search", required=False, max_length=200, widget=forms.SearchInput())

    def wish_of(self, valid: dict[str, Any]) -> str:
        return str(valid.get("q", ""))
