from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class InvitedOnlyAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Accounts are made by facility staff: nobody signs up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
