"""What this room refuses, besides the portal's errors.

NotFound (404)
└── LinkUnknown      no such link, or its key was taken out of the ring
NotSignedIn (401)
└── PasswordWanted   the link has a password; HTTP Basic, with any user name
Forbidden (403)
├── WayClosed        the link does not allow this way of taking data
└── OnlyForPeople    a program that follows every address, at a link whose downloads are counted
Conflict (409)
├── LinkNotYetOpen   it starts later
├── AlreadyAnswered  somebody else gave more time, or refused it
└── NotReleased      sharing a dataset that is not complete
Gone (410)
├── LinkExpired
├── LinkRevoked
├── LinkUsedUp       it has been downloaded as often as it may be
├── LinkStopped      the account of the person who shared it was disabled
├── DataDeleted      the link would work, the data are no longer there
└── AnswerEnded      more time was asked for too long ago to be given from the mail
TryLater (503)
└── FileUnreadable   storage does not give what was verified
"""

from typing import ClassVar

from portal.errors import Conflict, Forbidden, Gone, NotFound, NotSignedIn, TryLater


class LinkUnknown(NotFound):
    code = "link_unknown"
    title: ClassVar[str] = "This link is not known here"


class PasswordWanted(NotSignedIn):
    code = "password_wanted"
    title: ClassVar[str] = "This link has a password"
    challenge: ClassVar[str] = 'Basic realm="the password of this link, with any user name", charset="UTF-8"'


class WayClosed(Forbidden):
    code = "way_closed"
    title: ClassVar[str] = "This link does not allow that"


class OnlyForPeople(Forbidden):
    code = "only_for_people"
    title: ClassVar[str] = "This link is for people and their programs"


class LinkNotYetOpen(Conflict):
    code = "link_not_yet_open"
    title: ClassVar[str] = "This link does not work yet"


class AlreadyAnswered(Conflict):
    code = "already_answered"
    title: ClassVar[str] = "This was answered already"


class NotReleased(Conflict):
    code = "not_released"


class LinkExpired(Gone):
    code = "link_expired"
    title: ClassVar[str] = "This link has ended"


class LinkRevoked(Gone):
    code = "link_revoked"
    title: ClassVar[str] = "This link was taken back"


class LinkUsedUp(Gone):
    code = "link_used_up"
    title: ClassVar[str] = "This link has been used up"


class LinkStopped(Gone):
    code = "link_stopped"
    title: ClassVar[str] = "This link no longer works"


class DataDeleted(Gone):
    code = "data_deleted"
    title: ClassVar[str] = "These data were deleted"


class AnswerEnded(Gone):
    code = "answer_ended"
    title: ClassVar[str] = "This address no longer works"


class FileUnreadable(TryLater):
    code = "file_unreadable"
    title: ClassVar[str] = "This cannot be sent at the moment"
