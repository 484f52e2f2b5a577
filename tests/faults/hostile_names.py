"""Names that mean something else to a shell, a spreadsheet, a browser, a mail program, a terminal or a zip program."""

from itertools import islice, product
from unicodedata import normalize

# Some of these ingestion refuses. Whoever gets rows in by another way still gets no further than the folder.
_CORES = [
    # options, shells
    "-rf", "--help", "-T", "--checkpoint-action=exec=sh x", "$(id)", "`id`", "${HOME}", "; rm x", "&& id", "| id",
    "> x", "< x", "a'b", 'a"b', "'; id #", "!x", "#x", "~", "~root", "*", "?", "[a]", "{a,b}", "%s%n", "{0}", "$IFS",
    # spreadsheets
    "=cmd()", '=HYPERLINK("x")', "+1", "-1+1", "@x", "@SUM(1)", "=1+1", ";=1", ",=1", "'=1", "\uff1dcmd()",
    # pages, headers, mails
    "<script>", "<img src=x onerror=x>", "&lt;", "&#x3c;", "javascript.x", "a;filename=b", 'x"; filename="y',
    "a%0d%0ab", "%00", "%2e%2e%2f", "%u002e", "Subject x", "=?utf-8?q?x?=", "a, b@x", "<a@x>",
    # what looks like another place
    "...", "....", "a. b", "..a", "a..", "..%2f", "..;", ".htaccess", ".git", "CON x", "nul.txt.tif", "ab:c", "c$",
    "LPT10.x", "desktop.ini", "Thumbs.db", "a~1", "manifest-sha256.txt", "Manifest-SHA256.TXT", "manifest-sha256-2.txt",
    # letters
    "caf\u00e9", "cafe\u0301", "\u0444\u0430\u0439\u043b", "\u663e\u5fae\u955c", "\U0001f52c.tif", "\u202egpj.exe",
    "\u200b", "\u2060x", "a\u00a0b", "\ufeffx", "\u2024\u2024", "\uff0e\uff0e", "\u2215etc", "a\u2044b", "\u0130",
    "\u00df", "\ufb01", "\u1e9e",
    " lead", "a  b", "x" * 251 + ".tif", "\u00fc" * 125,
]  # fmt: skip
_AROUND = [
    ("", ""),
    ("deep/", ""),
    ("-", ".svg"),
    ("%", "/in"),
    ("a/-", "/b/c.html"),
    ("+", ".csv"),
    ("\u00fc", ".tif"),
]
_LONGEST = 200  # bytes of a name that still gets something around it


def hostile_names(count: int) -> list[str]:
    """The first `count` of all, each a path that no other is a folder of, composed as ingestion does it."""
    made = (
        before + core + after
        for (before, after), core in product(_AROUND, _CORES)
        if not (before or after) or len(core.encode()) < _LONGEST
    )
    return list(islice(dict.fromkeys(normalize("NFC", name) for name in made), count))
