"""What is fetched: what a share link opens, or a dataset that a person who logged in may see."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from labcourier_agent.accounts import Account
from labcourier_agent.exits import BadUsage

LINK = re.compile(r"(https?://[^?#]+?)/s/(lcs_[A-Za-z0-9_-]+)(/[^?#]*)?(?:[?#].*)?")


@dataclass(frozen=True)
class Source:
    """`root` is the portal's address without a slash at its end, `below` the path of the JSON API.

    `keeps_receipts`: whether the portal wants to hear what was verified.
    """

    root: str
    below: str
    authorization: str
    keeps_receipts: bool

    def __repr__(self) -> str:
        return f"Source({self.root!r})"


@dataclass(frozen=True)
class Link:
    """`root` is the portal's address without a slash at its end."""

    root: str
    token: str

    def __repr__(self) -> str:
        return f"Link({self.root!r})"

    def source(self, password: str | None) -> Source:
        """The password goes as that of HTTP Basic (RFC 7617), whose user may be any."""
        coded = base64.b64encode(f"labcourier:{password}".encode()).decode() if password else ""
        return Source(self.root, f"/api/v1/shared/{self.token}", f"Basic {coded}" if coded else "", keeps_receipts=True)


def own_dataset(account: Account, dataset_id: str) -> Source:
    below = f"/api/v1/me/datasets/{dataset_id}/content"
    return Source(account.url, below, f"Bearer {account.token}", keeps_receipts=False)


def looks_like_link(text: str) -> bool:
    return "/s/" in text


def parse_link(text: str) -> Link:
    """From the address in the mail, or one of those below it. Errors: BadUsage."""
    match = LINK.fullmatch(text.strip())
    if match is None:
        raise BadUsage("That is no share link: it looks like https://portal.example.org/s/lcs_… and is in the mail.")
    if (match[3] or "").startswith("/selection"):
        raise BadUsage("That is the address of some of the files: give the link itself, and choose with --include.")
    return Link(match[1], match[2])
