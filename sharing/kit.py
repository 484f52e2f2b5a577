"""Commands for programs, which can be pasted as they are; each goes on where it was when it is run again.

Tests run every one of them as it is written here.
"""

import shlex
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from portal.models import Dataset
from sharing.layouts import layout_of
from sharing.models import ShareLink, Way

# What wget calls a folder's page until it has read it: a name that no file of a dataset is likely to have.
_FOLDER_PAGE = "labcourier-folder.html"

# How a link's password is said, with any user name. What can ask for it does: a command line is public on its computer.
_ASK_WGET = " --user=link --ask-password"
_ASK_CURL = " -u link"
_WRITE_ARIA2 = " --http-user=link --http-passwd=PASSWORD"
_WRITE = ", with the link’s password in place of PASSWORD"


@dataclass(frozen=True, slots=True)
class Command:
    """`text` fetches, `check` verifies what came. `first` ones are for most people, the others for those who know."""

    key: str
    name: str
    text: str
    check: str
    first: bool = False

    @property
    def id(self) -> str:
        return f"kit-{self.key}"


@dataclass(frozen=True, slots=True)
class Kit:
    """All commands; how to check a zip, and files that were fetched one by one (empty if no command does that)."""

    commands: tuple[Command, ...]
    check_zip: str
    check_folder: str = ""

    @property
    def first(self) -> list[Command]:
        return [command for command in self.commands if command.first]

    @property
    def more(self) -> list[Command]:
        return [command for command in self.commands if not command.first]


def kit_of_link(link: ShareLink, token: str) -> Kit:
    """Everything that the link opens, in the ways it allows: by the agent, as a zip, or file by file."""
    dataset, lock = link.dataset, bool(link.password_hash)
    manifest = layout_of(dataset).manifest_path
    check_zip, check_folder = _check_zip(dataset.name, dataset.name, manifest), _check_folder(dataset.name, manifest)
    as_zip: tuple[Command, ...] = ()
    if Way.ZIP in link.ways:
        zip_url = settings.PORTAL_URL + reverse("link_zip", args=[token, dataset.name])
        as_zip = _zip_commands(dataset.name, zip_url, check_zip, lock=lock)
    if Way.FILES not in link.ways:
        return Kit(as_zip, check_zip if as_zip else "")
    agent = _agent_command(settings.PORTAL_URL + reverse("link", args=[token]), dataset.name, check_folder)
    by_file = _file_commands(reverse("link_tree", args=[token]), dataset.name, check_folder, lock=lock)
    return Kit((agent, *as_zip, *by_file), check_zip if as_zip else "", check_folder)


def kit_of_zip(zip_name: str, folder: str, manifest_path: str, address: str, *, lock: bool = False) -> Kit:
    """One zip: `zip_name` is what the file will be called, `folder` what it unpacks to; `lock`: a password is asked."""
    check = _check_zip(zip_name, folder, manifest_path)
    return Kit(_zip_commands(zip_name, address, check, lock=lock), check)


@dataclass(frozen=True, slots=True)
class DriveKit:
    """For people with an account: commands that fetch one dataset by the agent, or from the drive at `drive`."""

    drive: str
    login: str
    labcourier: str
    token: str
    rclone: str
    check: str


def kit_of_drive(dataset: Dataset) -> DriveKit:
    """The token is typed, or goes to rclone by its environment: a command line is public on its computer."""
    drive, folder = settings.PORTAL_URL + reverse("webdav"), shlex.quote(dataset.name)
    return DriveKit(
        drive=drive,
        login=f"labcourier login {shlex.quote(settings.PORTAL_URL)}",
        labcourier=f"labcourier get {shlex.quote(settings.PORTAL_URL + dataset.get_absolute_url())} {folder}",
        token="export RCLONE_WEBDAV_BEARER_TOKEN=lcp_...",  # noqa: S106  (to be filled in)
        rclone=f"rclone copy --webdav-url {shlex.quote(drive)} :webdav:{dataset.project.code}/{folder} {folder}",
        check=_check_folder(dataset.name, layout_of(dataset).manifest_path),
    )


def _agent_command(page: str, folder: str, check: str) -> Command:
    return Command(
        "labcourier",
        "labcourier, best for large data: several connections, every file verified",
        f"labcourier get {shlex.quote(page)} {shlex.quote(folder)}",
        check,
        first=True,
    )


def _zip_commands(zip_name: str, address: str, check: str, *, lock: bool) -> tuple[Command, ...]:
    """Programs call a file after its address; what stands behind a `?` must not get into its name."""
    url, name = shlex.quote(address), shlex.quote(f"{zip_name}.zip")
    wget_to, curl_to, aria2_to = (f" -O {name}", f" -o {name}", f" -o {name}") if "?" in address else ("", " -O", "")
    wget, curl, aria2 = (_ASK_WGET, _ASK_CURL, _WRITE_ARIA2) if lock else ("", "", "")
    return (
        Command("wget", "wget, one zip", f"wget{wget} -c{wget_to} {url}", check, first=True),
        Command("curl", "curl, one zip", f"curl{curl} -f -C -{curl_to} {url}", check, first=True),
        Command(
            "aria2",
            f"aria2, one zip over four connections{_WRITE if lock else ''}",
            f"aria2c{aria2} -c -x 4{aria2_to} {url}",
            check,
        ),
    )


def _file_commands(path: str, folder_name: str, check: str, *, lock: bool) -> tuple[Command, ...]:
    """`path` is of the tree. rclone knows no option for a password but takes it from the address."""
    url, folder = shlex.quote(settings.PORTAL_URL + path), shlex.quote(folder_name)
    with_password = shlex.quote((settings.PORTAL_URL + path).replace("://", "://link:PASSWORD@", 1)) if lock else url
    wget = _ASK_WGET if lock else ""
    return (
        Command(
            "rclone",
            "rclone, file by file, into a folder (or to storage of yours: write “remote:folder” at the end)"
            f"{_WRITE if lock else ''}",
            f"rclone copy --http-url {with_password} :http: {folder}",
            check,
        ),
        Command(
            "wget-files",
            "wget, file by file, into a folder",
            f"wget{wget} -r -np -nH -c --cut-dirs={path.strip('/').count('/') + 1} -P {folder} "
            f"--default-page={_FOLDER_PAGE} -R {_FOLDER_PAGE} --restrict-file-names=nocontrol {url}",
            check,
        ),
    )


def _check_zip(zip_name: str, folder: str, manifest_path: str) -> str:
    return f"unzip {shlex.quote(f'{zip_name}.zip')} && {_check_folder(folder, manifest_path)}"


def _check_folder(folder: str, manifest_path: str) -> str:
    return f"cd {shlex.quote(folder)} && sha256sum -c {shlex.quote(manifest_path)}"
