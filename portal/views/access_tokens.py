"""A person's own page of access tokens: list, make, revoke. A secret is shown once, when it is made."""

from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from portal.access import signed_in_actor
from portal.errors import Conflict
from portal.forms import AccessTokenForm, tell
from portal.models import AccessToken
from portal.services.access_tokens import make_access_token, revoke_access_token
from portal.views.form_pages import form_page, status_of


@login_required
@never_cache
@form_page
def access_tokens(request: HttpRequest) -> HttpResponse:
    """Cost: the same number of queries for any number of tokens."""
    actor, now = signed_in_actor(request), timezone.now()
    form = AccessTokenForm(request.POST or None)
    if form.is_valid():
        try:
            token, secret = make_access_token(
                actor=actor,
                label=form.cleaned_data["label"],
                scope=form.cleaned_data["scope"],
                lifetime=timedelta(days=form.cleaned_data["days"]),
                now=now,
            )
        except Conflict as error:
            tell(form, error)
        else:
            return render(request, "portal/access_token_made.html", {"token": token, "secret": secret})
    rows = [{"token": token, "state": token.state(now)} for token in AccessToken.objects.filter(user=actor.user)]
    return render(request, "portal/access_tokens.html", {"rows": rows, "form": form}, status=status_of(form))


@login_required
@form_page
def revoke(request: HttpRequest, access_token_id: int) -> HttpResponse:
    """Asks on GET, does it on POST."""
    actor = signed_in_actor(request)
    token = get_object_or_404(AccessToken, user=actor.user, pk=access_token_id)
    if request.method == "POST":
        revoke_access_token(token=token, actor=actor, now=timezone.now())
        messages.success(request, f"The access token “{token.label}” was revoked.")
        return redirect("access_tokens")
    context = {
        "title": f"Revoke “{token.label}”?",
        "sentence": "Programs that use this token can ask for nothing more from now on.",
        "consequences": ["Links that were made with it go on working; revoke those on the dataset's page."],
        "action": "Revoke token",
        "cancel_url": reverse("access_tokens"),
    }
    return render(request, "confirm.html", context)
