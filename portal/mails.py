"""What the mails of this room say, decided when they are sent (named in ``settings.MAILS``)."""

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.urls import reverse

from portal.mail_ceilings import ceiling_of, most_of
from portal.models import Notice, Project, User
from portal.outbox import Mail


def invitation(notice: Notice) -> Mail | None:
    """You have an account, you belong to a project. Without a password yet: the link to choose one.

    No longer needed when the person left the project or the portal before the mail went out.
    """
    person = User.objects.filter(pk=notice.subject_id, is_active=True).first()
    code = notice.context.get("project", "")
    project = Project.objects.filter(code=code, memberships__user=person).first() if code and person else None
    if person is None or bool(code) != bool(project):
        return None
    context = {
        "person": person,
        "project": project,
        "by": notice.context.get("by", ""),
        "address": settings.PORTAL_URL + (project.get_absolute_url() if project else "/"),
        "password_address": "" if person.has_usable_password() else _password_address(person),
        "forgotten_address": settings.PORTAL_URL + reverse("account_reset_password"),
        "days": settings.PASSWORD_RESET_TIMEOUT // 86_400,
    }
    return Mail("invitation", context, reply_to=[project.contact_email] if project else [])


def password_reset(notice: Notice) -> Mail | None:
    """To whoever asked for a new password. No longer needed when the account was closed."""
    person = User.objects.filter(pk=notice.subject_id, is_active=True).first()
    if person is None:
        return None
    days = settings.PASSWORD_RESET_TIMEOUT // 86_400
    return Mail("password-reset", {"address": _password_address(person), "days": days})


def password_changed(notice: Notice) -> Mail | None:
    """To whose account it is: somebody chose a new password, when and from where."""
    address = settings.PORTAL_URL + reverse("account_reset_password")
    return Mail("password-changed", {**notice.context, "at": notice.created_at, "forgotten_address": address})


def no_account(notice: Notice) -> Mail | None:
    """To an address that somebody gave who wants a new password, and that nobody has."""
    return Mail("no-account", {"email": notice.to})


def mails_held(notice: Notice) -> Mail | None:
    """To a manager: the project has sent as many mails as it may in a day, or as many as reminders may."""
    project = Project.objects.filter(pk=notice.subject_id).first()
    if project is None:
        return None
    address = settings.PORTAL_URL + project.get_absolute_url()
    reminders = bool(notice.context.get("reminders"))
    context = {
        "project": project,
        "ceiling": ceiling_of(project),
        "sent": most_of(project, can_wait=reminders),
        "reminders": reminders,
        "address": address,
    }
    return Mail("mails-held", context)


def _password_address(person: User) -> str:
    """Works once, for ``settings.PASSWORD_RESET_TIMEOUT``; it is made here and stored nowhere."""
    key = {"uidb36": user_pk_to_url_str(person), "key": default_token_generator.make_token(person)}
    return settings.PORTAL_URL + reverse("account_reset_password_from_key", kwargs=key)
