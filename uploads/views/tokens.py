"""A manager's pages for upload tokens: list, make, renew, revoke. A secret is shown once, when it is made."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.access import signed_in_actor
from portal.errors import Conflict
from portal.forms import tell
from portal.views.fetch import managed_project
from portal.views.form_pages import form_page, status_of
from portal.views.projects import project_context
from uploads.forms import RenewTokenForm, UploadTokenForm
from uploads.models import UploadToken
from uploads.services.tokens import make_token, renew_token, revoke_token

SECTION = "upload_tokens"


@login_required
@require_safe
def token_list(request: HttpRequest, code: str) -> HttpResponse:
    """Cost: the same number of queries for any number of tokens."""
    project = managed_project(request, code)
    tokens = UploadToken.objects.filter(project=project).select_related("instrument", "created_by", "replaced_by")
    now = timezone.now()
    rows = [token_row(token, now) for token in tokens]
    return render(request, "uploads/tokens.html", {**project_context(request, project, SECTION), "rows": rows})


@login_required
@never_cache
@form_page
def token_new(request: HttpRequest, code: str) -> HttpResponse:
    project = managed_project(request, code)
    form = UploadTokenForm(request.POST or None, project=project)
    context = project_context(request, project, SECTION)
    if not form.is_valid():
        return render(request, "uploads/token_new.html", {**context, "form": form}, status=status_of(form))
    token, secret = make_token(
        project=project,
        actor=signed_in_actor(request),
        label=form.cleaned_data["label"],
        instrument=form.cleaned_data["instrument"],
        notification_emails=form.cleaned_data["notification_emails"],
        expires_at=form.cleaned_data["expires_on"],
        now=timezone.now(),
    )
    return render(request, "uploads/token_made.html", {**context, "token": token, "command": _command(secret)})


@login_required
@never_cache
@form_page
def token_renew(request: HttpRequest, code: str, token_id: int) -> HttpResponse:
    project = managed_project(request, code)
    token = get_object_or_404(UploadToken.objects.select_related("instrument"), project=project, pk=token_id)
    form = RenewTokenForm(request.POST or None)
    context = {**project_context(request, project, SECTION), "form": form, "token": token}
    if form.is_valid():
        try:
            new, secret = renew_token(
                token=token,
                actor=signed_in_actor(request),
                overlap=timedelta(hours=form.cleaned_data["overlap_hours"]),
                expires_at=form.cleaned_data["expires_on"],
                now=timezone.now(),
            )
        except Conflict as error:
            tell(form, error)
        else:
            old = UploadToken.objects.get(pk=token.pk)
            made = {"token": new, "old": old, "command": _command(secret)}
            return render(request, "uploads/token_made.html", {**context, **made})
    return render(request, "uploads/token_renew.html", context, status=status_of(form))


@login_required
@form_page
def token_revoke(request: HttpRequest, code: str, token_id: int) -> HttpResponse:
    project = managed_project(request, code)
    token = get_object_or_404(UploadToken, project=project, pk=token_id)
    back = reverse("upload_tokens", args=[project.code])
    if request.method == "POST":
        revoke_token(token=token, actor=signed_in_actor(request), now=timezone.now())
        messages.success(request, f"The upload token “{token.label}” was revoked.")
        return redirect(back)
    context = {
        "title": f"Revoke “{token.label}”?",
        "sentence": "The computers that use this token can send nothing more from now on.",
        "consequences": [
            "Files that are being sent stop, and stay incomplete.",
            "What has arrived stays. To go on, make a new token and connect the computer with it.",
        ],
        "action": "Revoke token",
        "cancel_url": back,
    }
    return render(request, "confirm.html", context)


def token_row(token: UploadToken, now: datetime) -> dict[str, object]:
    """What a list of tokens shows of one."""
    newer = getattr(token, "replaced_by", None)
    renewable = newer is None and token.revoked_at is None
    return {"token": token, "state": _state(token, now), "newer": newer, "renewable": renewable}


def _command(secret: str) -> str:
    return f"labcourier connect {settings.PORTAL_URL} --token {secret}"


def _state(token: UploadToken, now: datetime) -> str:
    """As `state_badge` knows it."""
    if token.revoked_at:
        return "revoked"
    return "active" if token.is_usable(now) else "expired"
