"""Kinds of destinations: one file each, listed here."""

from delivery.kinds.form import DestinationForm
from delivery.kinds.free import FreeForm
from delivery.kinds.mount import MountForm
from delivery.kinds.s3 import S3Form
from delivery.kinds.sftp import SftpForm
from delivery.kinds.smb import SmbForm
from delivery.kinds.webdav import WebdavForm

KINDS: dict[str, type[DestinationForm]] = {
    form.kind: form for form in (S3Form, SftpForm, WebdavForm, SmbForm, FreeForm, MountForm)
}
