"""What members and staff may enter. Rules live in the models and services; here are words and widgets."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS

from portal.errors import PortalError
from portal.models import AccessToken, Dataset, Instrument, Membership, Project, User
from portal.stores import store_choices
from portal.zones import zone_choices

if TYPE_CHECKING:  # the forms of Django are generic for the type checker only
    FormOfProject = forms.ModelForm[Project]
    FormOfInstrument = forms.ModelForm[Instrument]
    FormOfPerson = forms.ModelForm[User]
    FormOfDataset = forms.ModelForm[Dataset]
else:
    FormOfProject = FormOfInstrument = FormOfPerson = FormOfDataset = forms.ModelForm

GB = 10**9


def tell(form: forms.BaseForm, error: PortalError) -> None:
    """Puts what a service refused beside the fields it is about, so that nothing entered is lost."""
    fields: list[Mapping[str, str]] = error.detail.get("fields", [])
    for field in fields or [{"field": "", "message": error.message}]:
        name = field["field"]
        form.add_error(name if name in form.fields else NON_FIELD_ERRORS, field["message"])


class DayInput(forms.DateInput):
    """A calendar in the browser, which reads and writes days as 2026-11-20 whatever the language."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class QuotaField(forms.DecimalField):
    """Bytes, entered in GB."""

    def __init__(self) -> None:
        super().__init__(
            label="Quota (GB)",
            required=False,
            min_value=0,
            max_value=9_000_000_000,
            decimal_places=3,
            help_text="Uploads that would go beyond it are refused. Empty: no limit but the disk.",
        )

    def prepare_value(self, value: Any) -> Any:
        return f"{value / GB:.3f}".rstrip("0").rstrip(".") if isinstance(value, int) else value

    def clean(self, value: Any) -> int | None:
        gigabytes = super().clean(value)
        return None if gigabytes is None else int(gigabytes * GB)


class KeywordsField(forms.CharField):
    """A list of words, entered with commas between them."""

    def __init__(self) -> None:
        super().__init__(label="Keywords", required=False, help_text="Separated by commas.", widget=forms.TextInput())

    def clean(self, value: Any) -> list[str]:
        words = [word.strip() for word in re.split(r"[,;\n]", super().clean(value)) if word.strip()]
        if any(len(word) > 100 for word in words):
            raise forms.ValidationError("A keyword has at most 100 characters. Separate several by commas.")
        return words


class PolicyForm(FormOfProject):
    quota_bytes = QuotaField()
    time_zone = forms.ChoiceField(
        label="Time zone",
        choices=zone_choices,
        required=False,
        help_text="Reminders keep to the hours and working days of this place.",
    )

    class Meta:
        model = Project
        fields = [
            "name",
            "description",
            "contact_email",
            "link_days",
            "recipients_may_push",
            "quota_bytes",
            "time_zone",
        ]
        labels = {
            "name": "Name",
            "description": "Description",
            "contact_email": "Contact address",
            "link_days": "Links work for (days)",
            "recipients_may_push": "Recipients may push to storage of their own",
        }
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}


class StaffPolicyForm(PolicyForm):
    """Where a project keeps its files is the facility's decision; asked only where there is a choice."""

    store = forms.ChoiceField(
        label="Store",
        choices=store_choices,
        required=False,
        help_text="Where the files of new datasets lie. Those that exist are moved by manage.py move_storage.",
    )
    copy_store = forms.ChoiceField(
        label="Second copy",
        choices=lambda: [("", "none"), *store_choices()],
        required=False,
        help_text="Where a second copy of each verified file goes.",
    )

    class Meta(PolicyForm.Meta):
        fields = [*PolicyForm.Meta.fields, "mails_a_day", "store", "copy_store"]
        labels = {**PolicyForm.Meta.labels, "mails_a_day": "Mails a day, at most"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if len(store_choices()) == 1:
            del self.fields["store"], self.fields["copy_store"]

    def clean_store(self) -> str:
        return self.cleaned_data["store"] or self.instance.store


class ProjectForm(StaffPolicyForm):
    manager = forms.EmailField(
        label="First manager", help_text="Their e-mail address. They are told, and get an account if they have none."
    )
    field_order = ["name", "code", "manager"]

    class Meta(StaffPolicyForm.Meta):
        fields = ["name", "code", *StaffPolicyForm.Meta.fields[1:]]
        labels = {**StaffPolicyForm.Meta.labels, "code": "Short name"}
        help_texts = {"code": "Small letters, digits and hyphens; also the folder's name. It stays as it is."}


class InstrumentForm(FormOfInstrument):
    class Meta:
        model = Instrument
        fields = ["name", "description"]
        labels = {"name": "Name", "description": "Description"}
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}


class MemberForm(forms.Form):
    email = forms.EmailField(
        label="E-mail address", help_text="They are told by mail, and get an account if they have none."
    )
    name = forms.CharField(label="Name", required=False, max_length=150, help_text="Used only for a new account.")
    role = forms.ChoiceField(
        label="Role",
        choices=[
            (Membership.Role.VIEWER, "Viewer: looks and downloads"),
            (Membership.Role.OPERATOR, "Operator: also sends data and shares links"),
            (Membership.Role.MANAGER, "Manager: also decides about people, instruments and policies"),
        ],
        initial=Membership.Role.OPERATOR,
        widget=forms.RadioSelect,
    )


class RoleForm(forms.Form):
    role = forms.ChoiceField(label="Role", choices=Membership.Role.choices)


class AccessTokenForm(forms.Form):
    label = forms.CharField(label="Name", max_length=100, help_text="Where it is used, such as “laptop”.")
    scope = forms.ChoiceField(
        label="It may",
        choices=[
            (AccessToken.Scope.READ, "read: list and download what I may see"),
            (AccessToken.Scope.SHARE, "read and share: also send links to others"),
        ],
        initial=AccessToken.Scope.READ,
        widget=forms.RadioSelect,
    )
    days = forms.TypedChoiceField(
        label="It works for",
        coerce=int,
        choices=[(30, "30 days"), (90, "90 days"), (365, "a year")],
        initial=365,
    )


class PersonForm(FormOfPerson):
    class Meta:
        model = User
        fields = ["email", "name", "is_staff"]
        labels = {"email": "E-mail address", "name": "Name", "is_staff": "Facility staff"}
        help_texts = {
            "email": "They are mailed a link to choose a password.",
            "is_staff": "Staff see every project, the audit and the outbox.",
        }


class DescriptionForm(FormOfDataset):
    keywords = KeywordsField()

    class Meta:
        model = Dataset
        fields = ["title", "description"]
        labels = {"title": "Title", "description": "Description"}
        widgets = {"description": forms.Textarea(attrs={"rows": 5})}


class MailWishesForm(forms.Form):
    """A choice for each project that somebody belongs to."""

    def __init__(self, data: Mapping[str, Any] | None = None, *, members: Sequence[Membership]) -> None:
        super().__init__(data)
        self._members = members
        for member in members:
            self.fields[f"project-{member.pk}"] = forms.ChoiceField(
                label=member.project.name, choices=Membership.Told.choices, initial=member.told_of_downloads
            )

    def wishes(self) -> dict[int, Membership.Told]:
        """Of a valid form, by the id of the membership."""
        return {member.pk: Membership.Told(self.cleaned_data[f"project-{member.pk}"]) for member in self._members}
