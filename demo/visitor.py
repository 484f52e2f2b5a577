"""A person at a browser, as far as the demo needs one: pages, cookies, log-in."""

import re
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlencode, urljoin

from demo.checklist import StepFailed, require


class Visitor:
    """Keeps its cookies from page to page."""

    def __init__(self) -> None:
        self.cookies = CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def read(self, address: str, form: dict[str, str] | None = None) -> str:
        """The page at ``address``, or what answers the form sent there. Raises StepFailed when refused."""
        body = urlencode(form).encode() if form else None
        request = urllib.request.Request(address, data=body, headers={"Referer": address})
        try:
            with self.opener.open(request, timeout=30) as answer:
                return str(answer.read(), "utf-8")
        except urllib.error.HTTPError as error:
            raise StepFailed(f"{address} answered {error.code}") from error

    def log_in(self, portal: str, login: list[str]) -> None:
        address = urljoin(portal, "/accounts/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.read(address))
        form: dict[str, Any] = {
            "login": login[0],
            "password": login[1],
            "csrfmiddlewaretoken": token[1] if token else "",
        }
        self.read(address, form)
        require("sessionid" in {cookie.name for cookie in self.cookies}, f"{login[0]} could not log in")
