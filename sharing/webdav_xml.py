"""What WebDAV says in XML (RFC 4918 sections 9.1, 14 and 15), as far as reading needs it.

A request body is read by expat without a tree and without a document type; answers are written as text, one resource
after the other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple
from xml.parsers import expat

from django.utils.http import http_date

DAV = "DAV:"
CONTENT_TYPE = 'application/xml; charset="utf-8"'
BEGIN = '<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:">\n'
END = "</D:multistatus>\n"
INFINITE_DEPTH = (
    '<?xml version="1.0" encoding="utf-8"?>\n<D:error xmlns:D="DAV:"><D:propfind-finite-depth/></D:error>\n'
)
_MOST_NAMES = 100
_NOT_IN_XML = str.maketrans(dict.fromkeys("\ufffe\uffff", "\ufffd"))

PropertyName = tuple[str, str]  # namespace, local name


class NotPropfind(ValueError):
    """The body is not XML, or not a propfind: answer 400."""


class Resource(NamedTuple):
    """A folder or a file. `href` is its whole path, quoted; `modified`: seconds since 1970."""

    href: str
    name: str
    is_folder: bool
    size: int | None
    modified: int | None
    etag: str
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Question:
    """Which properties are asked for; None: all of ours. `names_only`: not their values."""

    names: tuple[PropertyName, ...] | None = None
    names_only: bool = False


def read_question(body: bytes) -> Question:
    """What a PROPFIND asks; an empty body asks for everything. Raises NotPropfind."""
    if not body.strip():
        return Question()
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.StartDoctypeDeclHandler = reader.refuse_document_type
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, UnicodeError, LookupError) as error:
        raise NotPropfind(f"The body is not XML: {error}.") from error
    return reader.question()


def response_of(resource: Resource, question: Question) -> str:
    """The `response` element of one resource: what it has, and by name what it has not."""
    ours = _VALUES if not resource.is_folder else _VALUES_OF_FOLDERS
    asked = question.names if question.names is not None else tuple((DAV, name) for name in ours)
    there = [name for space, name in asked if space == DAV and name in ours]
    missing = [(space, name) for space, name in asked if space != DAV or name not in ours]
    found = "".join(_element(name, "" if question.names_only else ours[name](resource)) for name in there)
    parts = [_propstat(found, "200 OK")] if there or not missing else []
    if missing:
        parts.append(_propstat("".join(_unknown(*name) for name in missing), "404 Not Found"))
    return f"<D:response><D:href>{resource.href}</D:href>{''.join(parts)}</D:response>\n"


class _Reader:
    """Notes names at the second and third level: `propfind` / `prop`, `allprop`, `propname` / each property."""

    def __init__(self) -> None:
        self._way: list[PropertyName] = []
        self._kinds: list[str] = []
        self._names: list[PropertyName] = []

    def start(self, name: str, _attributes: Mapping[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        self._way.append((space, local))
        if len(self._way) == 1 and self._way != [(DAV, "propfind")]:
            raise NotPropfind("The body is not a DAV: propfind.")
        if len(self._way) == 2 and space == DAV:
            self._kinds.append(local)
        if len(self._way) == 3 and self._way[1] == (DAV, "prop"):
            self._names.append((space, local))
        if len(self._names) > _MOST_NAMES:
            raise NotPropfind(f"The body names more than {_MOST_NAMES} properties. Ask for fewer at a time.")

    def end(self, _name: str) -> None:
        self._way.pop()

    def refuse_document_type(self, *_: Any) -> None:
        raise NotPropfind("The body has a document type. Leave it out.")

    def question(self) -> Question:
        if "propname" in self._kinds:
            return Question(names_only=True)
        if "prop" in self._kinds:
            return Question(tuple(dict.fromkeys(self._names)))
        if "allprop" in self._kinds:
            return Question()
        raise NotPropfind("The propfind asks for nothing: it has neither prop nor allprop nor propname.")


def _propstat(properties: str, status: str) -> str:
    return f"<D:propstat><D:prop>{properties}</D:prop><D:status>HTTP/1.1 {status}</D:status></D:propstat>"


def _element(name: str, value: str) -> str:
    return f"<D:{name}>{value}</D:{name}>" if value else f"<D:{name}/>"


def _unknown(space: str, name: str) -> str:
    return f'<X:{name} xmlns:X="{escape(space)}"/>' if space else f'<{name} xmlns=""/>'


def text_of(text: str) -> str:
    """As it may stand in XML, which cannot hold every character that a name can."""
    return escape(text.translate(_NOT_IN_XML))


_VALUES: Mapping[str, Callable[[Resource], str]] = {
    "resourcetype": lambda _: "",
    "displayname": lambda resource: text_of(resource.name),
    "getlastmodified": lambda resource: "" if resource.modified is None else http_date(resource.modified),
    "getcontentlength": lambda resource: str(resource.size),
    "getcontenttype": lambda resource: resource.content_type,
    "getetag": lambda resource: escape(resource.etag, quote=False),
}
_VALUES_OF_FOLDERS: Mapping[str, Callable[[Resource], str]] = {
    "resourcetype": lambda _: "<D:collection/>",
    "displayname": _VALUES["displayname"],
    "getlastmodified": _VALUES["getlastmodified"],
}
