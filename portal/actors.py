"""Who does something, as one argument: services and the audit take an :class:`Actor` and nothing else about persons."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from portal.models import User

ActorKind = Literal["user", "upload_token", "recipient", "visitor", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """An identity with the place it calls from. ``label`` is what the audit shows: an e-mail or a token's name."""

    kind: ActorKind
    id: str
    label: str
    address: str = ""
    client: str = ""
    user: "User | None" = field(default=None, compare=False, repr=False)

    @classmethod
    def of_user(cls, user: "User", address: str = "", client: str = "") -> Self:
        return cls("user", str(user.pk), user.email, address, client, user)


SYSTEM = Actor("system", "portal", "the portal")
