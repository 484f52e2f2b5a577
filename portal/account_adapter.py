from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.utils import timezone

from portal.client_address import client_address
from portal.models import User
from portal.outbox import queue_notice

_RESET = "account/email/password_reset_key"
_UNKNOWN = "account/email/unknown_account"
_NEW_PASSWORD = ("account/email/password_changed", "account/email/password_reset", "account/email/password_set")


class InvitedOnlyAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Accounts are made by facility staff: nobody signs up. Mails about them go by the outbox, as all others do: a mail
    server that is away neither breaks a page nor loses a mail."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """The address in it is made anew when the mail is sent, so none is stored."""
        if template_prefix == _RESET:
            _queue("password-reset", email, context["user"].pk)
        elif template_prefix == _UNKNOWN:
            _queue("no-account", email, email)
        else:
            raise LookupError(f"{template_prefix} is no mail that this portal sends.")

    def send_notification_mail(
        self, template_prefix: str, user: User, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Whoever did not choose the new password themselves has to hear of it."""
        if template_prefix in _NEW_PASSWORD:
            program = self.request.headers.get("User-Agent", "")[:200]
            _queue("password-changed", user.email, user.pk, address=client_address(self.request), program=program)

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


def _queue(kind: str, to: str, subject_id: object, **context: str) -> None:
    slot = timezone.now().isoformat(timespec="seconds")
    queue_notice(kind, to, subject_id=subject_id, slot=slot, context=context)
