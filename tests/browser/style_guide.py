"""The style guide: every part of the pages with plausible content. A URL configuration of its own, for tests alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from portal.forms import DayInput
from portal.models import User
from portal.templatetags.states import STATES

NOW = datetime(2026, 11, 21, 9, 41, tzinfo=UTC)
COMMAND = "labcourier connect https://data.facility.example --token lcu_4Zt8wq1vR0mJc2Yx7bKp9sLhD5nEfGaUuTiOoQyXwVs"


class ShareForm(forms.Form):
    email = forms.EmailField(label="E-mail address", help_text="One person; they need no account.")
    message = forms.CharField(label="A few words", widget=forms.Textarea(attrs={"rows": 3}), required=False)
    days = forms.IntegerField(label="Link works for (days)", min_value=1, initial=30)
    parts = forms.MultipleChoiceField(
        label="What they may do",
        choices=[("zip", "Download everything at once"), ("files", "Download single files")],
        widget=forms.CheckboxSelectMultiple,
    )
    remind = forms.BooleanField(label="Remind them weekly until they have it", required=False, initial=True)


class FilterForm(forms.Form):
    text = forms.CharField(label="Path contains", widget=forms.SearchInput)
    state = forms.ChoiceField(label="State", choices=[("", "any"), ("verified", "verified")])
    since = forms.DateField(label="Since", widget=DayInput())


def context() -> dict[str, Any]:
    return {
        "now": NOW,
        "created_at": NOW - timedelta(hours=15, minutes=21),
        "expires_at": NOW + timedelta(days=29, hours=2),
        "state_names": list(STATES),
        "tabs": [
            {"label": "Overview", "url": "?", "current": True, "count": None},
            {"label": "Files", "url": "?tab=files", "current": False, "count": 12345},
            {"label": "Links", "url": "?tab=links", "current": False, "count": 3},
            {"label": "Timeline", "url": "?tab=timeline", "current": False, "count": None},
        ],
        "links": [
            {"email": "rita@university.example", "state": "complete", "expires_at": NOW + timedelta(days=29)},
            {"email": "k.andersson@institute.example", "state": "partial", "expires_at": NOW + timedelta(days=6)},
            {"email": "chen@lab.example", "state": "not_opened", "expires_at": NOW + timedelta(hours=30)},
        ],
        "files": [
            _file("GridSquare_1/FoilHole_1001_fractions.tiff", "verified", 412_345_678),
            _file("GridSquare_1/FoilHole_1002_fractions.tiff", "received", 398_765_432),
            _file("GridSquare_1/FoilHole_1003_fractions.tiff", "corrupt", 401_234_567, CORRUPT),
            _file("Übersicht Atlas größe 1.mrc", "expected", 0),
        ],
        "command": COMMAND,
        "filters": FilterForm(),
        "form": ShareForm(),
        "wrong_form": ShareForm(WRONG, auto_id="wrong_%s"),
    }


WRONG = {"email": "rita at university", "days": "0", "message": "Dear Rita"}
CORRUPT = "The SHA-256 read back is not the one the sender stated; the agent sends the file again."


def _file(name: str, state: str, size: int, reason: str = "") -> dict[str, Any]:
    received = None if state == "expected" else NOW - timedelta(minutes=12)
    return {"path": name, "state": state, "size": size, "received_at": received, "reason": reason}


def style_guide(request: HttpRequest) -> HttpResponse:
    request.user = User(email="sam@facility.example", name="Sam Stern", is_staff=True)
    return render(request, "styleguide.html", context())


NAVIGATION = ("projects", "staff_audit", "staff_mail", "staff_instruments", "account_change_password", "account_logout")
urlpatterns = [
    path("", style_guide, name="home"),
    *(path(f"{name}/", style_guide, name=name) for name in NAVIGATION),
]
