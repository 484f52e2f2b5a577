"""What this room refuses, besides the portal's errors.

Conflict (409)
├── DatasetClosed    no more files go into it
├── AlreadyClosed    closing it twice
├── FilesMissing     closing it while files are missing; `detail` lists the first
├── WrongOffset      bytes for another place than the upload's end
└── AlreadyReceived  the upload is complete and can no longer be taken back
NotFound (404)
└── DropLinkUnknown  no such link, or its key was taken out of the ring
Gone (410)
└── DropLinkOver     it expired, was revoked, or its maker's account was disabled
"""

from typing import ClassVar

from portal.errors import Conflict, Gone, NotFound


class DatasetClosed(Conflict):
    code = "dataset_closed"


class AlreadyClosed(Conflict):
    code = "already_closed"


class FilesMissing(Conflict):
    code = "files_missing"


class WrongOffset(Conflict):
    code = "wrong_offset"


class AlreadyReceived(Conflict):
    code = "already_received"


class DropLinkUnknown(NotFound):
    code = "link_unknown"
    title: ClassVar[str] = "This link is not known here"


class DropLinkOver(Gone):
    code = "link_over"
    title: ClassVar[str] = "This link has ended"
