"""What people may enter in this room. Rules live in the models and services; here are words and widgets."""

from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import QueryDict
from django.utils import timezone

from keeping.models import Keeping, RetentionClass
from portal.forms import DayInput
from portal.models import Project

if TYPE_CHECKING:  # the forms of Django are generic for the type checker only
    FormOfClass = forms.ModelForm[RetentionClass]
else:
    FormOfClass = forms.ModelForm


class RetentionClassForm(FormOfClass):
    class Meta:
        model = RetentionClass
        fields = [
            "name",
            "days",
            "counted_from",
            "is_default",
            "grace_days",
            "warns_recipients",
            "extension_days",
            "most_extensions",
            "deletes_early",
        ]
        labels = {
            "name": "Name",
            "days": "Keep for (days)",
            "counted_from": "Counted from",
            "is_default": "Datasets that say nothing else are kept like this",
            "grace_days": "Deleted data can be restored for (days)",
            "warns_recipients": "Recipients who have not fetched everything are warned too",
            "extension_days": "“Keep longer” adds (days)",
            "most_extensions": "“Keep longer” works at most (times)",
            "deletes_early": "Delete earlier, once every recipient has checked the files or agreed",
        }
        help_texts = {
            "name": "Such as “one year”.",
            "days": "Empty: for ever.",
            "is_default": "Takes effect for datasets that exist too, with two weeks’ notice.",
            "grace_days": "After that their files are removed for good.",
            "most_extensions": "For recipients, owners and operators. Managers may always extend.",
        }


class KeepingForm(forms.Form):
    retention = forms.ModelChoiceField(queryset=RetentionClass.objects.none(), label="Class", required=False)
    owner = forms.EmailField(
        label="Owner",
        required=False,
        help_text="Is warned before the deletion, and may have the dataset kept longer. Empty: nobody.",
    )

    def __init__(self, *args: Any, keeping: Keeping, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].initial = keeping.owner_email
        field = self.fields["retention"]
        field.initial = keeping.retention_class_id
        field.queryset = project.retention_classes.all()  # type: ignore[attr-defined]
        default = project.retention_classes.filter(is_default=True).first()
        field.empty_label = f"as the project does ({default.name if default else 'for ever'})"  # type: ignore[attr-defined]


class ExtendForm(forms.Form):
    """Managers may name a day; everybody else asks for as long as the class gives."""

    until = forms.DateField(
        label="Until another day",
        widget=DayInput(),
        required=False,
        help_text="The last day, later than it is kept now. Empty: as above.",
    )

    def __init__(self, data: QueryDict | None = None, *, manages: bool) -> None:
        super().__init__(data)
        if not manages:
            del self.fields["until"]

    def end(self) -> datetime | None:
        """What a valid form asks for; None: what the class gives."""
        day = self.cleaned_data.get("until")
        return timezone.make_aware(datetime.combine(day, time.max)) if day else None


class HoldForm(forms.Form):
    reason = forms.CharField(
        label="Why it must not be deleted",
        max_length=300,
        help_text="Everybody who may see the dataset reads it, such as “under review at the journal until May”.",
    )
