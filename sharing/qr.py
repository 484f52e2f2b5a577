"""An address as a picture that a telephone reads: inline SVG without a style or a script, as our pages allow it."""

import io

import segno
from django.utils.safestring import SafeString, mark_safe


def qr_code(address: str) -> SafeString:
    """The `svg` element, dark on light in either theme: readers expect it so. Errors up to 15 % of it are mended."""
    out = io.BytesIO()
    code = segno.make(address, error="m", micro=False)
    code.save(
        out, kind="svg", border=4, dark="#000", light="#fff", xmldecl=False, svgns=False, omitsize=True,
        svgclass="qr-code", lineclass=None, title="QR code of the link",
    )  # fmt: skip
    return mark_safe(out.getvalue().decode())  # noqa: S308  (made here, of nothing but squares)
