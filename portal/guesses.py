"""Guessing the password of a link is slowed: for each client of a link, and a little for the link as a whole.

Never locked: a right password works for everybody who waits the seconds that the answer says. Where the cache is down,
no guess is taken (fail closed): the errors of the cache become a 503 in ``portal.errors``.
"""

import hashlib
import time

from django.core.cache import cache

from portal.errors import TooManyRequests

_REMEMBERED = 3600  # seconds
_FREE = 3  # wrong guesses of a client before it has to wait
_LONGEST = 300
_FREE_OF_LINK = 30  # of all clients together
_PAUSE_OF_LINK = 1


def require_patience(link: str, client: str) -> None:
    """Raises TooManyRequests while a guess comes too soon after wrong ones."""
    until = max(cache.get_many([_key("until", link, client), _key("until", link)]).values(), default=0.0)
    left = until - time.time()
    if left > 0:
        seconds = int(left) + 1
        refusal = TooManyRequests(f"There were several wrong passwords. Wait {seconds} s, then try again.")
        refusal.retry_after = seconds
        raise refusal


def note_wrong_guess(link: str, client: str) -> None:
    """The more there were, the longer the next has to wait."""
    wrong = _count(_key("wrong", link, client))
    if wrong >= _FREE:
        _wait(_key("until", link, client), min(2 ** (wrong - _FREE + 1), _LONGEST))
    if _count(_key("wrong", link)) >= _FREE_OF_LINK:
        _wait(_key("until", link), _PAUSE_OF_LINK)


def _count(key: str) -> int:
    cache.add(key, 0, _REMEMBERED)
    return int(cache.incr(key))


def _wait(key: str, seconds: int) -> None:
    cache.set(key, time.time() + seconds, seconds)


def _key(*parts: str) -> str:
    return "guesses:" + hashlib.sha256("\0".join(parts).encode()).hexdigest()
