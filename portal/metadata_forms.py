"""The form in which a manager says what an instrument asks of each dataset: a row for each field."""

from typing import TYPE_CHECKING, Any, cast

from django import forms

from portal.metadata_template import FIELDS_LIMIT, MetadataField, field_mistakes, twice


class MetadataFieldForm(forms.Form):
    name = forms.CharField(label="Name", max_length=60, help_text="As programs know it, such as sample_id.")
    label = forms.CharField(label="Label", max_length=100, help_text="What people read.")
    required = forms.BooleanField(label="Must be filled in", required=False)
    choices = forms.CharField(
        label="Choices",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One a line. Empty: any text.",
    )
    help = forms.CharField(label="Help", max_length=300, required=False, help_text="Stands below the field.")

    def clean_choices(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["choices"].splitlines() if line.strip()]

    def clean(self) -> dict[str, Any]:
        cleaned = {name: value for name, value in self.cleaned_data.items() if name != "DELETE"}
        if len(cleaned) == len(MetadataField.__annotations__):
            for part, mistake in field_mistakes(cleaned).items():
                self.add_error(part, mistake)
        return self.cleaned_data


if TYPE_CHECKING:  # the forms of Django are generic for the type checker only
    FormSet = forms.BaseFormSet[MetadataFieldForm]
else:
    FormSet = forms.BaseFormSet


class MetadataRows(FormSet):
    """Rows; an empty one counts for nothing, one with a tick at Remove goes."""

    def clean(self) -> None:
        doubled = twice([row["name"] for row in self._staying()])
        if doubled:
            raise forms.ValidationError(f"The name {', '.join(sorted(doubled))} stands twice. Rename one.")

    def template(self) -> list[MetadataField]:
        """The rows that stay, in their order."""
        return [_field(row) for row in self._staying()]

    def _staying(self) -> list[dict[str, Any]]:
        entered: list[dict[str, Any]] = [getattr(form, "cleaned_data", {}) for form in self.forms]
        return [row for row in entered if row.get("name") and not row.get("DELETE")]

    def add_fields(self, form: MetadataFieldForm, index: int | None) -> None:
        super().add_fields(form, index)
        form.fields["DELETE"].label = "Remove this field"


MetadataFormSet = cast(
    "type[MetadataRows]",
    forms.formset_factory(
        MetadataFieldForm,
        formset=MetadataRows,
        can_delete=True,
        extra=1,
        max_num=FIELDS_LIMIT,
        absolute_max=2 * FIELDS_LIMIT,
    ),
)


def rows_of(template: list[MetadataField]) -> list[dict[str, Any]]:
    """What the form begins with."""
    return [{**field, "choices": "\n".join(field["choices"])} for field in template]


def _field(row: dict[str, Any]) -> MetadataField:
    return MetadataField(
        name=row["name"], label=row["label"], required=row["required"], choices=row["choices"], help=row["help"]
    )
