"""Which requests are a person or their program taking data, and which only look.

Mail filters and chat previews follow every address they see, browsers fetch ahead, download programs knock for one
byte first. None of that may pass for a recipient's visit.
"""

import re
from collections.abc import Sequence

from django.http import HttpRequest

from dataplane.spans import Span

START = "start"
_AHEAD_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
_AHEAD = re.compile("prefetch|prerender|preview", re.IGNORECASE)
# By whole names rather than by "bot": a phone maker is called Cubot.
_SCANNERS = (
    # chat and social previews
    "Slackbot", "Slack-ImgProxy", "SkypeUriPreview", "Microsoft Teams Preview", "TelegramBot", "WhatsApp/",
    "Discordbot", "Twitterbot", "facebookexternalhit", "facebookcatalog", "LinkedInBot", "Mastodon/", "Cardyb",
    "Iframely", "Embedly",
    # mail filters and their proxies
    "Mimecast", "Proofpoint", "Barracuda", "IronPort", "FireEye", "Trend Micro", "Sophos", "Symantec", "MessageLabs",
    "Forcepoint", "SafeLinks", "Microsoft Office Existence Discovery", "Microsoft-Office-Protocol-Discovery",
    "GoogleImageProxy", "Google-Safety", "YahooMailProxy", "Avanan", "Hornetsecurity", "urlscan", "VirusTotal",
    # search engines
    "Googlebot", "bingbot", "BingPreview", "DuckDuckBot", "YandexBot", "Baiduspider", "Applebot", "AhrefsBot",
    "SemrushBot", "PetalBot", "CCBot", "Bytespider",
)  # fmt: skip
_SCANNER = re.compile("|".join(map(re.escape, _SCANNERS)), re.IGNORECASE)


def only_looks(request: HttpRequest) -> bool:
    """A HEAD, a fetch ahead of need, or a program known to follow every address."""
    return (
        request.method != "GET"
        or any(_AHEAD.search(request.headers.get(name, "")) for name in _AHEAD_HEADERS)
        or _SCANNER.search(request.headers.get("User-Agent", "")) is not None
    )


def may_follow_blindly(request: HttpRequest) -> bool:
    """A browser, or a mail filter that passes for one, at an address that was not clicked on our page.

    Programs such as wget do not ask for HTML; the button of our page says so in its address (`START`).
    """
    return "text/html" in request.headers.get("Accept", "") and START not in request.GET


def only_knocks(spans: Sequence[Span] | None, total: int) -> bool:
    """Asks for the first byte or two alone, to learn the size and whether ranges work."""
    return spans is not None and len(spans) == 1 and spans[0] in ((0, 1), (0, 2)) and spans[0][1] < total
