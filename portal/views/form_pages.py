"""Pages with a form: shown by GET, taken by POST, shown again with 422 when something has to be corrected."""

from django.forms import BaseForm
from django.views.decorators.http import require_http_methods

form_page = require_http_methods(["GET", "HEAD", "POST"])


def status_of(form: BaseForm) -> int:
    """Of the page that shows ``form``."""
    return 422 if form.errors else 200
