"""Persons who have logged in from here: a portal's address with a personal access token."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from labcourier_agent.exits import BadUsage, NotFound
from labcourier_agent.settings import store_private

ACCOUNTS_FILE = "accounts.json"


@dataclass(frozen=True)
class Account:
    """One person at one portal. `url` has no slash at its end."""

    url: str
    email: str
    token: str

    def __repr__(self) -> str:
        return f"Account({self.url!r}, {self.email!r})"


def read_accounts(folder: Path) -> tuple[Account, ...]:
    """The one that was used to log in last comes first. Errors: BadUsage."""
    file = folder / ACCOUNTS_FILE
    try:
        return tuple(Account(**entry) for entry in json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise BadUsage(f"{file} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError) as error:
        raise BadUsage(f"{file} is damaged: remove it and run `labcourier login` again.") from error


def store_accounts(folder: Path, accounts: Sequence[Account]) -> None:
    """As a whole, readable by its owner alone. Errors: BadUsage."""
    store_private(folder, ACCOUNTS_FILE, [asdict(account) for account in accounts])


def account_for(accounts: Sequence[Account], word: str) -> Account:
    """The one at whose portal the address `word` is; for anything else the first. Errors: NotFound."""
    if "://" not in word:
        if accounts:
            return accounts[0]
        raise NotFound("Nobody has logged in here: run `labcourier login URL` with a personal access token first.")
    for account in accounts:
        if f"{word.rstrip('/')}/".startswith(f"{account.url}/"):
            return account
    raise NotFound(f"Nobody has logged in at the portal of {word}: run `labcourier login` with its address first.")
