"""What every address below `/s/` has in common."""

from portal.views.link_pages import secret_address

link_page = secret_address("GET", "HEAD", refused="sharing/refused.html")
