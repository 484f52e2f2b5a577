"""The commands `login` and `logout`: a portal's address and a personal access token are tried, then stored."""

from __future__ import annotations

from labcourier_agent.accounts import Account, account_for, read_accounts, store_accounts
from labcourier_agent.connect import ANSWER_WITHIN, TOKEN_SHAPE, first_questions, portal_url
from labcourier_agent.exits import BadUsage
from labcourier_agent.member_portal import MemberPortal
from labcourier_agent.settings import Folders
from labcourier_agent.wire import open_http

PREFIX = "lcp_"


def login(folders: Folders, address: str, token: str) -> Account:
    """Errors: BadUsage, AccessRefused, NotFound when nothing of that name answers, Unreachable."""
    url = portal_url(address)
    if not TOKEN_SHAPE.fullmatch(token) or not token.startswith(PREFIX):
        raise BadUsage(f"A personal access token begins with {PREFIX}: make one on the page “Access tokens”.")
    account = Account(url, _email_of(url, token), token)
    others = [known for known in read_accounts(folders.config) if known.url != url]
    store_accounts(folders.config, [account, *others])
    return account


def logout(folders: Folders, address: str | None) -> Account:
    """Forgets the token; without an address, of who logged in last. Errors: BadUsage, NotFound."""
    known = read_accounts(folders.config)
    account = account_for(known, portal_url(address) if address else "")
    store_accounts(folders.config, [other for other in known if other != account])
    return account


def _email_of(url: str, token: str) -> str:
    with open_http(token, answer_within=ANSWER_WITHIN) as http, first_questions(url):
        return MemberPortal(http, url).email()
