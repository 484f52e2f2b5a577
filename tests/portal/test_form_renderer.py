from typing import Any

from django import forms


class LinkForm(forms.Form):
    email = forms.EmailField(label="E-mail address", help_text="One person.")
    words = forms.CharField(widget=forms.Textarea, required=False)
    kind = forms.ChoiceField(choices=[("a", "A"), ("b", "B")])
    ways = forms.MultipleChoiceField(choices=[("zip", "Zip")], widget=forms.CheckboxSelectMultiple)
    remind = forms.BooleanField(required=False)
    token = forms.CharField(widget=forms.HiddenInput, required=False)

    def clean(self) -> dict[str, Any] | None:
        if self.cleaned_data.get("kind") == "b":
            raise forms.ValidationError("Kind B is full; choose A.")
        return self.cleaned_data


def test_fields_bring_their_bootstrap_classes() -> None:
    html = str(LinkForm())
    assert html.count('class="form-control"') == 2
    assert html.count('class="form-select"') == 1
    assert html.count('class="form-check-input"') == 2


def test_hidden_fields_are_drawn_once_and_bare() -> None:
    assert str(LinkForm()).count('<input type="hidden" name="token" id="id_token">') == 1


def test_what_may_be_left_out_says_so() -> None:
    assert ">optional<" in str(LinkForm()["words"].as_field_group())
    assert "optional" not in str(LinkForm()["email"].as_field_group())


def test_an_error_is_tied_to_its_field_and_nothing_typed_is_lost() -> None:
    html = LinkForm({"email": "rita at home", "kind": "a", "ways": ["zip"]})["email"].as_field_group()
    assert 'aria-describedby="id_email_helptext id_email_error"' in html
    assert 'id="id_email_error"' in html
    assert 'aria-invalid="true"' in html
    assert 'class="form-control is-invalid"' in html
    assert 'value="rita at home"' in html


def test_the_summary_leads_to_each_field_that_is_wrong() -> None:
    html = str(LinkForm({"email": "x", "kind": "a"}))
    assert "data-error-summary" in html
    assert '<a href="#id_email">E-mail address</a>' in html
    assert '<a href="#id_ways">Ways</a>' in html
    assert 'id="id_ways"' in html


def test_an_error_of_the_whole_form_is_in_the_summary() -> None:
    html = str(LinkForm({"email": "rita@example.org", "kind": "b", "ways": ["zip"]}))
    assert "<li>Kind B is full; choose A.</li>" in html


def test_a_form_without_errors_has_no_summary() -> None:
    assert "data-error-summary" not in str(LinkForm())
