"""Who may do what: every address × method × role (promise P5). An address without a line here fails.

Add a line for a new address; for a new parameter, a sample in ``matrix_world.py``. A number is the status; ``login``
is the way to the log-in; ``ok`` means let in and done; ``in`` means let in, but the sample request made no sense
(an empty form, a dataset that is closed already). Methods that have no line must be refused to everybody.
Vera views, Bob operates, Alice manages, Sam is facility staff; Charlie is a stranger; Ada is an instrument PC that
shows its upload token and has no session.
"""

import hashlib
import json
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client

from tests.portal.matrix_world import CONTENT, World, all_routes, make_world

ROLES = ("nobody", "charlie", "vera", "bob", "alice", "sam", "ada")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

MATRIX = """
#                                                                      nobody charlie vera   bob    alice  sam    ada

# is it alive
GET     healthz                                                        ok     ok      ok     ok     ok     ok     ok
GET     readyz                                                         ok     ok      ok     ok     ok     ok     ok

# log-in and passwords
GET     accounts/inactive/                                             ok     ok      ok     ok     ok     ok     ok
GET     accounts/login/                                                ok     ok      ok     ok     ok     ok     ok
POST    accounts/login/                                                ok     ok      ok     ok     ok     ok     ok
GET     accounts/logout/                                               ok     ok      ok     ok     ok     ok     ok
POST    accounts/logout/                                               ok     ok      ok     ok     ok     ok     ok
GET     accounts/password/change/                                      login  ok      ok     ok     ok     ok     login
POST    accounts/password/change/                                      login  ok      ok     ok     ok     ok     login
GET     accounts/password/reset/                                       ok     ok      ok     ok     ok     ok     ok
POST    accounts/password/reset/                                       ok     ok      ok     ok     ok     ok     ok
GET     accounts/password/reset/done/                                  ok     ok      ok     ok     ok     ok     ok
GET     accounts/password/reset/key/<uidb36>-<key>/                    ok     ok      ok     ok     ok     ok     ok
POST    accounts/password/reset/key/<uidb36>-<key>/                    ok     ok      ok     ok     ok     ok     ok
GET     accounts/password/reset/key/done/                              ok     ok      ok     ok     ok     ok     ok
GET     accounts/password/set/                                         login  ok      ok     ok     ok     ok     login
POST    accounts/password/set/                                         login  ok      ok     ok     ok     ok     login
GET     accounts/reauthenticate/                                       login  ok      ok     ok     ok     ok     login
POST    accounts/reauthenticate/                                       login  ok      ok     ok     ok     ok     login
GET     accounts/signup/                                               ok     ok      ok     ok     ok     ok     ok
POST    accounts/signup/                                               ok     ok      ok     ok     ok     ok     ok

# members
GET     (home)                                                         login  ok      ok     ok     ok     ok     login
GET     projects/                                                      login  ok      ok     ok     ok     ok     login
GET     account/mail                                                   login  ok      ok     ok     ok     ok     login
POST    account/mail                                                   login  ok      in     in     in     ok     login
GET     access-tokens/                                                 login  ok      ok     ok     ok     ok     login
POST    access-tokens/                                                 login  in      in     in     in     in     login
GET     access-tokens/<int:access_token_id>/revoke                     login  404     404    ok     404    404    login
POST    access-tokens/<int:access_token_id>/revoke                     login  404     404    ok     404    404    login

# a project
GET     projects/<slug:code>/                                          login  404     ok     ok     ok     ok     login
GET     projects/<slug:code>/instruments/                              login  404     ok     ok     ok     ok     login
GET     projects/<slug:code>/instruments/<slug:slug>/                  login  404     ok     ok     ok     ok     login
GET     projects/<slug:code>/instruments/<slug:slug>/agents            login  404     ok     ok     ok     ok     login
GET     projects/<slug:code>/instruments/<slug:slug>/edit              login  404     403    403    ok     ok     login
POST    projects/<slug:code>/instruments/<slug:slug>/edit              login  404     403    403    in     in     login
GET     projects/<slug:code>/instruments/<slug:slug>/metadata          login  404     403    403    ok     ok     login
POST    projects/<slug:code>/instruments/<slug:slug>/metadata          login  404     403    403    in     in     login
GET     projects/<slug:code>/instruments/add                           login  404     403    403    ok     ok     login
POST    projects/<slug:code>/instruments/add                           login  404     403    403    in     in     login
GET     projects/<slug:code>/agents/                                   login  404     ok     ok     ok     ok     login
GET     projects/<slug:code>/agents/<int:agent_number>/remove          login  404     403    403    ok     ok     login
POST    projects/<slug:code>/agents/<int:agent_number>/remove          login  404     403    403    ok     ok     login
GET     projects/<slug:code>/upload                                    login  404     403    ok     ok     ok     login
GET     projects/<slug:code>/drop-links/                               login  404     403    ok     ok     ok     login
GET     projects/<slug:code>/drop-links/<int:drop_link_id>/revoke      login  404     403    ok     ok     ok     login
POST    projects/<slug:code>/drop-links/<int:drop_link_id>/revoke      login  404     403    ok     ok     ok     login
GET     projects/<slug:code>/drop-links/new                            login  404     403    ok     ok     ok     login
POST    projects/<slug:code>/drop-links/new                            login  404     403    in     in     in     login
POST    projects/<slug:code>/upload                                    login  404     403    in     in     in     login
GET     projects/<slug:code>/destinations/                             login  404     403    ok     ok     ok     login
GET     projects/<slug:code>/destinations/<int:destination_id>/remove  login  404     403    ok     ok     ok     login
POST    projects/<slug:code>/destinations/<int:destination_id>/remove  login  404     403    ok     ok     ok     login
GET     projects/<slug:code>/destinations/new/<slug:kind>              login  404     403    ok     ok     ok     login
POST    projects/<slug:code>/destinations/new/<slug:kind>              login  404     403    in     in     in     login
GET     projects/<slug:code>/hooks/                                    login  404     403    403    ok     ok     login
GET     projects/<slug:code>/hooks/<int:hook_id>/                      login  404     403    403    ok     ok     login
GET     projects/<slug:code>/hooks/<int:hook_id>/remove                login  404     403    403    ok     ok     login
POST    projects/<slug:code>/hooks/<int:hook_id>/remove                login  404     403    403    ok     ok     login
POST    projects/<slug:code>/hooks/<int:hook_id>/start                 login  404     403    403    ok     ok     login
POST    projects/<slug:code>/hooks/<int:hook_id>/test                  login  404     403    403    ok     ok     login
GET     projects/<slug:code>/hooks/new                                 login  404     403    403    ok     ok     login
POST    projects/<slug:code>/hooks/new                                 login  404     403    403    in     in     login
GET     projects/<slug:code>/keeping/                                  login  404     ok     ok     ok     ok     login
GET     projects/<slug:code>/keeping/add                               login  404     403    403    ok     ok     login
POST    projects/<slug:code>/keeping/add                               login  404     403    403    in     in     login
GET     projects/<slug:code>/keeping/<int:class_id>/edit               login  404     403    403    ok     ok     login
POST    projects/<slug:code>/keeping/<int:class_id>/edit               login  404     403    403    in     in     login
GET     projects/<slug:code>/keeping/<int:class_id>/remove             login  404     403    403    ok     ok     login
POST    projects/<slug:code>/keeping/<int:class_id>/remove             login  404     403    403    ok     ok     login
GET     projects/<slug:code>/people/                                   login  404     ok     ok     ok     ok     login
POST    projects/<slug:code>/people/                                   login  404     403    403    in     in     login
GET     projects/<slug:code>/people/<int:person_id>/remove             login  404     403    403    ok     ok     login
POST    projects/<slug:code>/people/<int:person_id>/remove             login  404     403    403    ok     ok     login
POST    projects/<slug:code>/people/<int:person_id>/role               login  404     403    403    in     in     login
GET     projects/<slug:code>/reminders/                                login  404     403    403    ok     ok     login
POST    projects/<slug:code>/reminders/                                login  404     403    403    in     in     login
GET     projects/<slug:code>/settings/more-time                        login  404     403    403    ok     ok     login
POST    projects/<slug:code>/settings/more-time                        login  404     403    403    in     in     login
GET     projects/<slug:code>/settings/                                 login  404     403    403    ok     ok     login
POST    projects/<slug:code>/settings/                                 login  404     403    403    in     in     login
GET     projects/<slug:code>/upload-tokens/                            login  404     403    403    ok     ok     login
GET     projects/<slug:code>/upload-tokens/<int:token_id>/renew        login  404     403    403    ok     ok     login
POST    projects/<slug:code>/upload-tokens/<int:token_id>/renew        login  404     403    403    in     in     login
GET     projects/<slug:code>/upload-tokens/<int:token_id>/revoke       login  404     403    403    ok     ok     login
POST    projects/<slug:code>/upload-tokens/<int:token_id>/revoke       login  404     403    403    ok     ok     login
GET     projects/<slug:code>/upload-tokens/new                         login  404     403    403    ok     ok     login
POST    projects/<slug:code>/upload-tokens/new                         login  404     403    403    in     in     login

# a dataset
GET     datasets/<uuid:dataset_id>/                                    login  404     ok     ok     ok     ok     login
GET     datasets/<uuid:dataset_id>/upload                              login  404     403    in     in     in     login
GET     datasets/<uuid:dataset_id>/close                               login  404     403    ok     ok     ok     login
POST    datasets/<uuid:dataset_id>/close                               login  404     403    ok     ok     ok     login
GET     datasets/<uuid:dataset_id>/download/<str:name>.zip             login  404     ok     ok     ok     ok     401
GET     datasets/<uuid:dataset_id>/download/files/<path:path>          login  404     ok     ok     ok     ok     401
GET     datasets/<uuid:dataset_id>/download/manifest-sha256.txt        login  404     ok     ok     ok     ok     401
GET     datasets/<uuid:dataset_id>/edit                                login  404     403    ok     ok     ok     login
POST    datasets/<uuid:dataset_id>/edit                                login  404     403    in     in     in     login
GET     datasets/<uuid:dataset_id>/files                               login  404     ok     ok     ok     ok     login
GET     datasets/<uuid:dataset_id>/keeping                             login  404     ok     ok     ok     ok     login
POST    datasets/<uuid:dataset_id>/keeping                             login  404     403    403    ok     ok     login
GET     datasets/<uuid:dataset_id>/keeping/hold                        login  404     403    403    ok     ok     login
POST    datasets/<uuid:dataset_id>/keeping/hold                        login  404     403    403    in     in     login
GET     datasets/<uuid:dataset_id>/keeping/release                     login  404     403    403    ok     ok     login
POST    datasets/<uuid:dataset_id>/keeping/release                     login  404     403    403    in     in     login
GET     datasets/<uuid:dataset_id>/keeping/extend                      login  404     403    in     in     in     login
POST    datasets/<uuid:dataset_id>/keeping/extend                      login  404     403    in     in     in     login
GET     datasets/<uuid:dataset_id>/keeping/delete                      login  404     403    403    ok     ok     login
POST    datasets/<uuid:dataset_id>/keeping/delete                      login  404     403    403    ok     ok     login
GET     datasets/<uuid:dataset_id>/keeping/restore                     login  404     403    403    ok     ok     login
POST    datasets/<uuid:dataset_id>/keeping/restore                     login  404     403    403    in     in     login
GET     datasets/<uuid:dataset_id>/panels/<slug:key>                   login  404     ok     ok     ok     ok     login
GET     datasets/<uuid:dataset_id>/choose                              login  404     ok     ok     ok     ok     login
GET     datasets/<uuid:dataset_id>/selection                           login  404     ok     ok     ok     ok     login
POST    datasets/<uuid:dataset_id>/selection                           login  404     ok     ok     ok     ok     login
GET     datasets/<uuid:dataset_id>/links                               login  404     ok     ok     ok     ok     login
POST    datasets/<uuid:dataset_id>/links                               login  404     403    in     in     in     login
GET     datasets/<uuid:dataset_id>/share                               login  404     403    ok     ok     ok     login
POST    datasets/<uuid:dataset_id>/share                               login  404     403    in     in     in     login
GET     datasets/<uuid:dataset_id>/timeline                            login  404     ok     ok     ok     ok     login
GET     datasets/<uuid:dataset_id>/versions                            login  404     ok     ok     ok     ok     login
GET     datasets/<uuid:dataset_id>/versions/<int:file_id>              login  404     403    ok     ok     ok     login
GET     s/<str:token>/copy                                             login  ok     ok     ok     ok     ok     login
POST    s/<str:token>/copy                                             login  in     in     in     in     in     login
GET     datasets/<uuid:dataset_id>/push                                login  404     403    ok     ok     ok     login
POST    datasets/<uuid:dataset_id>/push                                login  404     403    in     in     in     login
GET     deliveries/<int:delivery_id>/cancel                            login  404     403    ok     ok     ok     login
POST    deliveries/<int:delivery_id>/cancel                            login  404     403    ok     ok     ok     login
GET     links/<int:link_id>/                                           login  404     ok     ok     ok     ok     login
POST    links/<int:link_id>/                                           login  404     403    in     in     in     login
POST    links/<int:link_id>/more-time/<int:renewal_id>                 login  404     403    ok     ok     ok     login
POST    links/<int:link_id>/send-again                                 login  404     403    ok     ok     ok     login
GET     links/<int:link_id>/revoke                                     login  404     403    ok     ok     ok     login
GET     links/<int:link_id>/address                                    login  404     403    ok     ok     ok     login
POST    links/<int:link_id>/address                                    login  404     403    in     in     in     login
POST    links/<int:link_id>/revoke                                     login  404     403    ok     ok     ok     login

# staff
GET     staff/                                                         login  404     404    404    404    ok     login
GET     staff/audit.csv                                                login  404     404    404    404    ok     login
GET     staff/audit/                                                   login  404     404    404    404    ok     login
GET     staff/deletions/                                               login  404     404    404    404    ok     login
GET     staff/instruments/                                             login  404     404    404    404    ok     login
GET     staff/mail/                                                    login  404     404    404    404    ok     login
GET     staff/mail/<int:notice_id>/                                    login  404     404    404    404    ok     login
GET     staff/mail/<int:notice_id>/seen                                login  404     404    404    404    ok     login
POST    staff/mail/<int:notice_id>/send-again                          login  404     404    404    404    in     login
GET     staff/people/                                                  login  404     404    404    404    ok     login
POST    staff/people/                                                  login  404     404    404    404    in     login
GET     staff/storage-days.csv                                         login  404     404    404    404    ok     login
GET     staff/storage.csv                                              login  404     404    404    404    ok     login
GET     staff/storage/                                                 login  404     404    404    404    ok     login
POST    staff/storage/mail                                             login  404     404    404    404    ok     login
GET     staff/projects/add                                             login  404     404    404    404    ok     login
POST    staff/projects/add                                             login  404     404    404    404    in     login

# who may give more time: whoever has the mail
GET     more-time/<str:answer_token>                                   ok     ok      ok     ok     ok     ok     ok
POST    more-time/<str:answer_token>                                   in     in      in     in     in     in     in

# who may say that data are kept or deleted: whoever was warned
GET     keep/<str:keep_token>                                          ok     ok      ok     ok     ok     ok     ok
POST    keep/<str:keep_token>                                          in     in      in     in     in     in     in

# recipients: whoever has the link
GET     drop/<str:drop_token>                                          ok     ok      ok     ok     ok     ok     ok
POST    drop/<str:drop_token>                                          in     in      in     in     in     in     in
GET     drop/<str:drop_token>/<uuid:drop_id>                           404    404     404    404    404    404    404
GET     s/<str:token>                                                  ok     ok      ok     ok     ok     ok     ok
POST    s/<str:token>/password                                         in     in      in     in     in     in     in
GET     s/<str:token>/i-have-it                                        ok     ok      ok     ok     ok     ok     ok
POST    s/<str:token>/i-have-it                                        ok     ok      ok     ok     ok     ok     ok
GET     s/<str:token>/not-me                                           ok     ok      ok     ok     ok     ok     ok
POST    s/<str:token>/not-me                                           ok     ok      ok     ok     ok     ok     ok
GET     s/<str:token>/no-reminders                                     ok     ok      ok     ok     ok     ok     ok
POST    s/<str:token>/no-reminders                                     ok     ok      ok     ok     ok     ok     ok
POST    s/<str:token>/more-time                                        ok     ok      ok     ok     ok     ok     ok
GET     s/<str:token>/<str:name>.zip                                   ok     ok      ok     ok     ok     ok     ok
GET     s/<str:token>/files/<path:path>                                ok     ok      ok     ok     ok     ok     ok
GET     s/<str:token>/tree/                                            ok     ok      ok     ok     ok     ok     ok
GET     s/<str:token>/tree/<path:path>                                 ok     ok      ok     ok     ok     ok     ok
GET     s/<str:token>/selection                                        ok     ok      ok     ok     ok     ok     ok
POST    s/<str:token>/selection                                        ok     ok      ok     ok     ok     ok     ok
GET     s/<str:token>/push/<slug:kind>                                 404    404     404    404    404    404    404
POST    s/<str:token>/push/<slug:kind>                                 404    404     404    404    404    404    404
GET     s/<str:token>/live                                             ok     ok      ok     ok     ok     ok     ok
GET     s/<str:token>/manifest-sha256.txt                              ok     ok      ok     ok     ok     ok     ok
GET     api/v1/shared/<token>                                          ok     ok      ok     ok     ok     ok     ok
GET     api/v1/shared/<token>/files                                    ok     ok      ok     ok     ok     ok     ok
GET     api/v1/shared/<token>/kit                                      ok     ok      ok     ok     ok     ok     ok
POST    api/v1/shared/<token>/bundle                                   ok     ok      ok     ok     ok     ok     ok
POST    api/v1/shared/<token>/more-time                                in     in      in     in     in     in     in
POST    api/v1/shared/<token>/verified                                 ok     ok      ok     ok     ok     ok     ok

# programs: the JSON API and tus
POST    api/v1/bounces                                                 404    404     404    404    404    404    404
GET     api/v1/bundles/<bundle_id>                                     401    404     404    ok     ok     ok     ok
GET     api/v1/connection                                              401    ok      ok     ok     ok     ok     ok
GET     api/v1/datasets                                                401    ok      ok     ok     ok     ok     ok
POST    api/v1/datasets                                                401    404     404    ok     ok     ok     ok
GET     api/v1/datasets/<dataset_id>                                   401    404     404    ok     ok     ok     ok
POST    api/v1/datasets/<dataset_id>/close                             401    404     404    in     in     in     in
GET     api/v1/datasets/<dataset_id>/files                             401    404     404    ok     ok     ok     ok
POST    api/v1/datasets/<dataset_id>/files                             401    404     404    ok     ok     ok     ok
POST    api/v1/datasets/<dataset_id>/files/query                       401    404     404    ok     ok     ok     ok
POST    api/v1/datasets/<dataset_id>/files/withdraw                    401    404     404    in     in     in     in
GET     api/v1/docs                                                    ok     ok      ok     ok     ok     ok     ok
POST    api/v1/heartbeat                                               401    403     403    403    403    403    ok
GET     api/v1/me                                                      401    ok      ok     ok     ok     ok     401
GET     api/v1/me/projects                                             401    ok      ok     ok     ok     ok     401
GET     api/v1/me/datasets                                             401    ok      ok     ok     ok     ok     401
GET     api/v1/me/datasets/<dataset_id>                                401    404     ok     ok     ok     ok     401
GET     api/v1/me/datasets/<dataset_id>/content                        401    404     ok     ok     ok     ok     401
GET     api/v1/me/datasets/<dataset_id>/content/files                  401    404     ok     ok     ok     ok     401
POST    api/v1/me/datasets/<dataset_id>/content/bundle                 401    404     ok     ok     ok     ok     401
GET     api/v1/me/datasets/<dataset_id>/receipts                       401    404     ok     ok     ok     ok     401
GET     api/v1/me/datasets/<dataset_id>/receipts/<link_id>             401    404     ok     ok     ok     ok     401
POST    api/v1/me/datasets/<dataset_id>/links/extend                   401    404     403    ok     ok     ok     401
GET     api/v1/me/datasets/<dataset_id>/renewals                       401    404     ok     ok     ok     ok     401
POST    api/v1/me/datasets/<dataset_id>/renewals/<renewal_id>          401    404     403    ok     ok     ok     401
POST    api/v1/me/datasets/<dataset_id>/links                          401    404     403    ok     ok     ok     401
GET     api/v1/openapi.json                                            ok     ok      ok     ok     ok     ok     ok
GET     dav/                                                           401    401     401    401    401    401    401
OPTIONS dav/                                                           ok     ok      ok     ok     ok     ok     ok
PROPFIND dav/                                                          401    401     401    401    401    401    401
GET     dav/<path:path>                                                401    401     401    401    401    401    401
OPTIONS dav/<path:path>                                                ok     ok      ok     ok     ok     ok     ok
PROPFIND dav/<path:path>                                               401    401     401    401    401    401    401
POST    tus/                                                           401    in      in     in     in     in     in
OPTIONS tus/                                                           ok     ok      ok     ok     ok     ok     ok
PATCH   tus/<str:upload_id>                                            401    404     404    404    404    404    in
DELETE  tus/<str:upload_id>                                            401    404     404    404    404    404    ok
HEAD    tus/<str:upload_id>                                            401    404     404    404    404    404    ok
OPTIONS tus/<str:upload_id>                                            ok     ok      ok     ok     ok     ok     ok
GET     api/v1/                                                        404    404     404    404    404    404    404
"""

DIGEST = hashlib.sha256(CONTENT).hexdigest()

# What programs send; forms are sent with a field nobody knows.
BODIES: dict[str, Any] = {
    "POST api/v1/datasets": {"client_key": str(uuid4()), "title": "A run", "project": "em"},
    "POST api/v1/heartbeat": {
        "agent_id": str(uuid4()),
        "host": "krios-pc",
        "agent_version": "0.1.0",
        "interval_s": 60,
        "started_at": "2026-11-21T08:00:00Z",
    },
    "POST api/v1/shared/<token>/bundle": {"files": [{"path": "image.tif", "sha256": DIGEST}]},
    "POST api/v1/shared/<token>/verified": {"files": [{"path": "image.tif", "sha256": DIGEST}]},
    "POST api/v1/me/datasets/<dataset_id>/content/bundle": {"files": [{"path": "image.tif", "sha256": DIGEST}]},
    "POST api/v1/me/datasets/<dataset_id>/links/extend": {"which": "open", "days": 3},
    "POST api/v1/me/datasets/<dataset_id>/renewals/<renewal_id>": {"answer": "refuse"},
    "POST api/v1/me/datasets/<dataset_id>/links": {"recipients": ["rita@university.example"], "occasion": str(uuid4())},
    "POST api/v1/datasets/<dataset_id>/files": {"files": [{"path": "image.tif", "size": 13}]},
    "POST api/v1/datasets/<dataset_id>/files/query": {"paths": ["image.tif"]},
    "POST api/v1/datasets/<dataset_id>/files/withdraw": {"paths": ["image.tif"]},
}
TUS = {"Tus-Resumable": "1.0.0", "Upload-Offset": "1"}
ALLAUTH = "accounts/"  # answers methods that have no line in ways of its own
DONE, LET_IN = range(200, 400), (400, 409, 412, 422)
LOG_INS = ("/accounts/login/", "/admin/login/")
REFUSALS = ("401", "403", "404", "405", "login")


def lines() -> dict[tuple[str, str], list[str]]:
    """The cells of the table by method and address."""
    rows = [line.split() for line in MATRIX.splitlines() if line and not line.startswith("#")]
    return {(method, route.replace("(home)", "")): cells for method, route, *cells in rows}


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def ask(world: World, role: str, method: str, route: str) -> str:
    """What the portal answers, as a cell that names it exactly; whatever it changed is taken back."""
    cache.clear()  # counters of log-in attempts
    client = Client(headers=world.headers[role] | (TUS if route.startswith("tus/") else {}))
    kind, content = body_for(method, route)
    with transaction.atomic():
        answer = client.generic(method, world.address(route), content, content_type=kind)
        transaction.set_rollback(True)
    if answer.streaming:
        b"".join(answer)
    to_login = answer.status_code == 302 and answer.headers["Location"].startswith(LOG_INS)
    return "login" if to_login else str(answer.status_code)


def body_for(method: str, route: str) -> tuple[str, str]:
    """Kind and content of the sample request."""
    if route.startswith("tus/"):
        return "application/offset+octet-stream", "x" if method == "PATCH" else ""
    if route.startswith("api/"):
        return "application/json", json.dumps(BODIES.get(f"{method} {route}", {}))
    return "application/x-www-form-urlencoded", "" if method == "GET" else "unknown=1"


def fits(cell: str, seen: str) -> bool:
    if cell == "ok":
        return seen.isdigit() and int(seen) in DONE
    if cell == "in":
        return seen.isdigit() and int(seen) in LET_IN
    return cell == seen


def test_every_address_has_its_lines_and_no_line_is_left_over() -> None:
    expected = {route for route in all_routes() if not route.startswith("admin/")}
    told = {route for _, route in lines()}
    assert expected - told == set(), "add a line for each of these to the table"
    assert told - expected == set(), "these are gone: remove their lines"


def test_every_line_has_a_cell_for_each_role() -> None:
    assert [key for key, cells in lines().items() if len(cells) != len(ROLES)] == []


@pytest.mark.parametrize("route", sorted({route for _, route in lines()}), ids=lambda route: route or "(home)")
def test_everybody_may_do_what_the_table_says_and_nothing_else(world: World, route: str) -> None:
    table, wrong = lines(), []
    told = {method for method, address in table if address == route}
    for method in sorted(told if route.startswith(ALLAUTH) else {*METHODS, *told}):
        for number, role in enumerate(ROLES):
            seen = ask(world, role, method, route)
            cells = table.get((method, route))
            if not (fits(cells[number], seen) if cells else seen in REFUSALS):
                wrong.append(f"{method} {route} as {role}: {seen}, not {cells[number] if cells else 'refused'}")
    assert wrong == []


@pytest.mark.parametrize("role", ["nobody", "charlie", "alice", "ada"])
def test_the_django_admin_opens_to_staff_alone(world: World, role: str) -> None:
    let_in = [
        f"{method} {route}: {seen}"
        for route in all_routes()
        if route.startswith("admin/") and route != "admin/logout/"
        for method in ("GET", "POST")
        if (seen := ask(world, role, method, route)) not in REFUSALS
    ]
    assert let_in == []


def test_staff_without_further_rights_change_nothing_in_the_django_admin(world: World) -> None:
    assert ask(world, "sam", "GET", "admin/") == "200"
    for route in all_routes():
        if route.startswith("admin/") and route.endswith(("/add/", "/delete/", "/change/")):
            assert ask(world, "sam", "POST", route) in REFUSALS, route
