"""Audited events in words: the name of a kind for filters, and what somebody did as the rest of a sentence.

A test holds this table against the kinds that the rooms record.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from portal.models import AuditEvent
from portal.templatetags.quantities import counted, size_text


@dataclass(frozen=True, slots=True)
class Words:
    """``said`` follows the name of whoever did it; its fields are those of the event and of its detail."""

    kind: str
    said: str | Callable[[AuditEvent], str]
    icon: str = "info-circle"


def _downloaded(event: AuditEvent) -> str:
    things = {
        "zip": "everything as a zip",
        "part": f"some files as a zip ({event.subject})",
        "file": f"the file {event.subject}",
        "manifest": "the list of checksums",
        "copy": f"everything into the project {event.subject}",
        "push": f"everything to {event.subject}",
        "bundle": f"{counted(event.detail.get('count', 0), 'small file,small files')} at once",
    }
    verb = "went on downloading" if event.detail.get("start") else "downloaded"
    if event.detail.get("what") == "copy":
        verb = "copied"
    if event.detail.get("what") == "push":
        verb = "pushed"
    if event.detail.get("counted") is False:
        verb = "fetched, by a program that only looks,"
    return f"{verb} {things.get(event.detail.get('what', ''), event.subject)}"


AUDIT_WORDS = {
    "project_created": Words("project made", "made the project {subject}"),
    "reminder_policy_changed": Words("reminders changed", "changed {changed}", "clock"),
    "project_changed": Words("project changed", "changed {changed} of the project"),
    "person_added": Words("account made", "made an account for {subject}"),
    "person_changed": Words("account changed", "changed {changed} of {subject}"),
    "member_added": Words("person added", "added {subject} as {role}"),
    "role_changed": Words("role changed", "made {subject} {role}, before {former}"),
    "member_removed": Words("person removed", "removed {subject}, who was {role}"),
    "mails_wished": Words("mails chosen", "chose to be told of downloads: {told}", "envelope"),
    "instrument_created": Words("instrument added", "added the instrument {subject}"),
    "instrument_changed": Words("instrument changed", "changed {changed} of the instrument {subject}"),
    "upload_token_made": Words("upload token made", "made the upload token “{subject}”"),
    "upload_token_renewed": Words("upload token renewed", "renewed the upload token “{subject}”"),
    "upload_token_revoked": Words("upload token revoked", "revoked the upload token “{subject}”"),
    "access_token_made": Words("access token made", "made the access token “{subject}”"),
    "access_token_revoked": Words("access token revoked", "revoked the access token “{subject}”", "slash-circle"),
    "drop_link_made": Words("drop link made", "made the drop link “{subject}”"),
    "drop_link_revoked": Words("drop link revoked", "revoked the drop link “{subject}”", "slash-circle"),
    "agent_silent": Words("agent silent", "missed the agent on {subject}", "moon"),
    "agent_forgotten": Words("agent removed", "removed the agent on {subject} from the list"),
    "dataset_created": Words("dataset begun", "began the dataset", "inbox"),
    "dataset_described": Words("description changed", "changed {changed}", "info-circle"),
    "dataset_closed": Words("dataset closed", "closed the dataset: {files}, {bytes}", "lock"),
    "dataset_released": Words("dataset released", "released the dataset: {files}, {bytes}", "send-check"),
    "dataset_no_longer_safe": Words(
        "not safe to delete",
        "took back that the files may be deleted at the source",
        "exclamation-triangle-fill",
    ),
    "older_version_downloaded": Words(
        "older version downloaded", "downloaded an older version of {subject}", "download"
    ),
    "files_corrupt": Words("files corrupt", "found {count} corrupt, such as {subject}", "x-octagon-fill"),
    "bundle_refused": Words("bundle refused", "could not unpack a bundle of {count}: {reason}", "x-octagon-fill"),
    "files_withdrawn": Words("files withdrawn", "took back {count}, such as {subject}", "x-octagon-fill"),
    "upload_bytes_lost": Words(
        "bytes lost", "found bytes missing in the upload of {subject}: {reason}", "exclamation-triangle-fill"
    ),
    "upload_expired": Words("upload expired", "gave up the unfinished upload of {subject}", "calendar-x"),
    "link_made": Words("link made", "made a link for {subject}", "envelope"),
    "link_answered": Words("recipient answered", "{answer}", "envelope-open"),
    "link_changed": Words("link changed", "changed {changed} of the link of {subject}"),
    "link_sent_again": Words("link mailed again", "had the mail with the link sent to {subject} again", "envelope"),
    "more_time_asked": Words("more time asked for", "asked for more time to download", "clock"),
    "more_time_given": Words("more time given", "gave {subject} more time to download", "clock"),
    "more_time_refused": Words("more time refused", "refused {subject} more time to download", "calendar-x"),
    "address_corrected": Words(
        "address corrected", "corrected the address {former} to {subject} and sent a new link", "envelope"
    ),
    "link_revoked": Words("link revoked", "revoked the link of {subject}", "slash-circle"),
    "link_expired": Words("link expired", "ended the link of {subject}, whose time was over", "calendar-x"),
    "downloaded": Words("download", _downloaded, "download"),
    "files_verified": Words("files verified by recipient", "checked {count} after the download", "shield-check"),
    "copy_begun": Words("copy begun", "began to copy {subject} of the project {source_project}", "copy"),
    "copy_failed": Words("copy failed", "gave up copying {subject}: {reason}", "exclamation-triangle-fill"),
    "destination_made": Words("destination registered", "registered the destination “{subject}”: {place}"),
    "destination_removed": Words("destination removed", "removed the destination “{subject}”", "trash"),
    "hook_made": Words("hook made", "made a hook that tells {subject} of verified files", "broadcast"),
    "hook_removed": Words("hook removed", "removed the hook to {subject}", "trash"),
    "hook_started": Words("hook started again", "started the hook to {subject} again", "broadcast"),
    "hook_stopped": Words("hook stopped", "stopped telling {subject}: {reason}", "exclamation-triangle-fill"),
    "push_begun": Words("push begun", "had the dataset pushed to “{subject}”", "upload"),
    "push_done": Words("pushed", "pushed {files} to “{subject}” and compared them: {bytes}", "send-check"),
    "push_failed": Words("push failed", "gave up pushing to “{subject}”: {reason}", "exclamation-triangle-fill"),
    "push_cancelled": Words("push cancelled", "cancelled the push to “{subject}”", "slash-circle"),
    "stored_file_changed": Words(
        "stored file changed", "found {subject} changed in storage: {reason}", "exclamation-triangle-fill"
    ),
    "dataset_moved": Words("dataset moved", "moved the files from the store {old} to {new}: {files}, {bytes}"),
    "file_repaired": Words("file repaired", "made {subject} in {store} again from a good copy: {reason}"),
    "copy_damaged": Words("second copy damaged", "found the copy of {subject} in {store} damaged: {reason}"),
    "retention_class_made": Words("retention class made", "made the retention class “{subject}”"),
    "retention_class_changed": Words("retention class changed", "changed {changed} of the retention class “{subject}”"),
    "retention_class_removed": Words("retention class removed", "removed the retention class “{subject}”"),
    "keeping_changed": Words("retention changed", "had the dataset kept as “{subject}” says; owner: {owner}"),
    "deletion_warned": Words("deletion announced", "warned people of the deletion", "calendar-x"),
    "keeping_extended": Words("kept longer", "had the dataset kept until {day}", "calendar-x"),
    "deletion_agreed": Words("deletion agreed to", "said that the dataset may be deleted"),
    "dataset_held": Words("dataset held", "held the dataset from deletion: {subject}", "lock"),
    "hold_released": Words("hold released", "released the hold of {subject}", "lock"),
    "dataset_deleted": Words(
        "dataset deleted", "deleted the dataset ({reason}): {files}, {bytes}, to be restored until {day}", "trash"
    ),
    "dataset_restored": Words("dataset restored", "restored the deleted dataset"),
    "purge_began": Words("removal of files begun", "began to remove the files of the deleted dataset", "trash"),
    "dataset_purged": Words("files removed", "removed the deleted files: {files}, {bytes}", "trash"),
    "mail_tried_again": Words("mail sent again", "had the mail to {subject} sent again", "envelope"),
    "mail_sent_back": Words(
        "mail sent back", "learned that the mail to {subject} did not arrive: {reason}", "exclamation-triangle-fill"
    ),
    "audit_exported": Words("audit exported", "exported the audit"),
    "changed_in_admin": Words("changed in the Django admin", "used the Django admin on {subject}: {action}"),
}

FIELD_WORDS = {
    "days": "the number of days",
    "counted_from": "what the days count from",
    "grace_days": "the days until the files go",
    "warns_recipients": "whether recipients are warned",
    "extension_days": "the days of an extension",
    "most_extensions": "the number of extensions",
    "deletes_early": "the early deletion",
    "is_default": "the default",
    "contact_email": "the contact address",
    "link_days": "how long links last",
    "reminder_days": "how often people are reminded",
    "copy_reminders_to": "who gets copies of reminders",
    "reminds": "whether people are reminded",
    "every_days": "how often people are reminded",
    "days_before": "on which days before the end people are reminded",
    "most": "how often people are reminded at most",
    "quiet_from": "when quiet hours begin",
    "quiet_until": "when quiet hours end",
    "working_days_only": "whether people are reminded on weekends",
    "partial_is_used": "whether people are reminded of the rest",
    "words": "the words of reminders",
    "copies_to": "who hears of reminders",
    "metadata_key": "which metadata say who hears of reminders",
    "copies_daily": "how often operators hear of reminders",
    "recipients_may_push": "whether recipients may push",
    "quota_bytes": "the quota",
    "time_zone": "the time zone",
    "mails_a_day": "how many mails go out a day",
    "store": "the store of new datasets",
    "copy_store": "the store of second copies",
    "is_staff": "the staff right",
    "is_superuser": "the right to the Django admin",
    "expires_at": "the end",
    "most_downloads": "the number of downloads",
    "ways": "the ways of taking data",
    "password_hash": "the password",
    "is_active": "whether the account is on",
    "renewal_answer": "whether more time is given at once",
    "renewal_days": "how many days more time is",
    "renewal_times": "how often more time is given at once",
}


def kind_words(kind: str) -> str:
    words = AUDIT_WORDS.get(kind)
    return words.kind if words else kind.replace("_", " ")


def kind_icon(kind: str) -> str:
    words = AUDIT_WORDS.get(kind)
    return words.icon if words else "info-circle"


def event_words(event: AuditEvent) -> str:
    """What was done, after the name of whoever did it: "closed the dataset: 312 files, 41.2 GB". Plain text."""
    words = AUDIT_WORDS.get(event.kind)
    if words is None:
        return f"{event.kind.replace('_', ' ')} {event.subject}".strip()
    return words.said(event) if callable(words.said) else words.said.format_map(_Facts(event))


class _Facts(dict[str, Any]):
    """What sentences may mention; a fact that an old event lacks reads as an ellipsis."""

    def __init__(self, event: AuditEvent) -> None:
        detail = event.detail
        super().__init__({name: value for name, value in detail.items() if isinstance(value, str)})
        self["subject"] = event.subject
        self["bytes"] = size_text(event.bytes or 0)
        self["files"] = counted(detail["files"], "file,files") if isinstance(detail.get("files"), int) else "…"
        self["count"] = counted(detail["count"], "file,files") if isinstance(detail.get("count"), int) else "…"
        self["changed"] = _enumerated([FIELD_WORDS.get(name, f"the {name}") for name in detail.get("changes", {})])

    def __missing__(self, name: str) -> str:
        return "…"


def _enumerated(words: list[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1] if words else "") if part)
