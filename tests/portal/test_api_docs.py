"""The API explains itself under our content security policy, from files of our own."""

import re

from django.contrib.staticfiles import finders
from django.test import Client


def test_the_page_of_the_api_needs_no_inline_script_and_no_other_host(client: Client, db: None) -> None:
    answer = client.get("/api/v1/docs")
    page = answer.content.decode()
    assert answer.headers["Content-Security-Policy"]
    scripts = re.findall(r"<script([^>]*)>", page)
    assert all("src=" in attributes or 'type="application/json"' in attributes for attributes in scripts)
    assert "style=" not in page
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert addresses
    for address in addresses:
        assert address.startswith("/static/")
        assert finders.find(address.removeprefix("/static/")), address


def test_the_description_names_every_call_of_the_contract(client: Client, db: None) -> None:
    described = client.get("/api/v1/openapi.json").json()
    assert {
        "/api/v1/connection": {"get"},
        "/api/v1/datasets": {"get", "post"},
        "/api/v1/datasets/{dataset_id}": {"get"},
        "/api/v1/datasets/{dataset_id}/files": {"get", "post"},
        "/api/v1/datasets/{dataset_id}/files/query": {"post"},
        "/api/v1/datasets/{dataset_id}/close": {"post"},
    }.items() <= {path: set(calls) for path, calls in described["paths"].items()}.items()
    assert "lcu_" in described["info"]["description"]
