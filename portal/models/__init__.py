"""The nouns everybody needs. One file a family; import them from here."""

from portal.models.access_tokens import ACCESS_TOKEN_PREFIX, AccessToken
from portal.models.accounts import User
from portal.models.audit import AuditEvent, AuditHead
from portal.models.datasets import Dataset, DatasetKeyword, DatasetRecipient
from portal.models.digest_lines import DigestLine
from portal.models.files import DataFile
from portal.models.heartbeats import Heartbeat
from portal.models.mail_days import MailDay
from portal.models.notices import Notice
from portal.models.projects import Instrument, Membership, Project
from portal.models.return_mailboxes import ReturnMailbox
from portal.models.storage_days import DiskDay, StorageDay

__all__ = [
    "ACCESS_TOKEN_PREFIX",
    "AccessToken",
    "AuditEvent",
    "AuditHead",
    "DataFile",
    "Dataset",
    "DatasetKeyword",
    "DatasetRecipient",
    "DigestLine",
    "DiskDay",
    "Heartbeat",
    "Instrument",
    "MailDay",
    "Membership",
    "Notice",
    "Project",
    "ReturnMailbox",
    "StorageDay",
    "User",
]
