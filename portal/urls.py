"""All addresses of the portal. The one place in this room that looks upwards: here the rooms are put together."""

from django.contrib import admin
from django.urls import include, path

from portal.api import make_api
from portal.api_bounces import router as bounces_router
from portal.api_member import router as member_router
from portal.views import (
    access_tokens,
    audit,
    datasets,
    health,
    home,
    mail_wishes,
    metadata_template,
    outbox,
    people,
    projects,
    staff,
    storage,
)
from sharing.api import router as shared_router
from sharing.api_links import router as links_router
from sharing.api_member import router as own_data_router
from sharing.api_receipts import router as receipts_router
from uploads.api import router as uploads_router
from uploads.api_agents import router as agents_router

api = make_api()
api.add_router("", uploads_router)
api.add_router("", agents_router)
api.add_router("", bounces_router)
api.add_router("/me", member_router)
api.add_router("/me/datasets", own_data_router)
api.add_router("/me/datasets", links_router)
api.add_router("/me/datasets", receipts_router)
api.add_router("/shared", shared_router)

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("accounts/", include("portal.account_urls")),
    path("account/mail", mail_wishes.mail_wishes, name="mail_wishes"),
    path("access-tokens/", access_tokens.access_tokens, name="access_tokens"),
    path("access-tokens/<int:access_token_id>/revoke", access_tokens.revoke, name="access_token_revoke"),
    path("admin/", admin.site.urls),
    path("api/v1/", api.urls),
    path("", home.home, name="home"),
    path("projects/", home.projects, name="projects"),
    path("projects/<slug:code>/", projects.project, name="project"),
    path("projects/<slug:code>/instruments/", projects.instruments, name="project_instruments"),
    path("projects/<slug:code>/instruments/add", projects.add_instrument, name="instrument_add"),
    path("projects/<slug:code>/instruments/<slug:slug>/edit", projects.edit_instrument, name="instrument_edit"),
    path(
        "projects/<slug:code>/instruments/<slug:slug>/metadata",
        metadata_template.metadata_template,
        name="instrument_metadata",
    ),
    path("projects/<slug:code>/people/", people.people, name="project_people"),
    path("projects/<slug:code>/people/<int:person_id>/role", people.set_role, name="person_role"),
    path("projects/<slug:code>/people/<int:person_id>/remove", people.remove, name="person_remove"),
    path("projects/<slug:code>/settings/", projects.settings, name="project_settings"),
    path("datasets/<uuid:dataset_id>/", datasets.dataset, name="dataset"),
    path("datasets/<uuid:dataset_id>/edit", datasets.edit, name="dataset_edit"),
    path("datasets/<uuid:dataset_id>/files", datasets.files, name="dataset_files"),
    path("datasets/<uuid:dataset_id>/panels/<slug:key>", datasets.panel, name="dataset_panel"),
    path("datasets/<uuid:dataset_id>/timeline", datasets.timeline, name="dataset_timeline"),
    path("staff/", staff.today, name="staff"),
    path("staff/audit/", audit.audit, name="staff_audit"),
    path("staff/audit.csv", audit.audit_csv, name="staff_audit_csv"),
    path("staff/instruments/", staff.instruments, name="staff_instruments"),
    path("staff/mail/", outbox.outbox, name="staff_mail"),
    path("staff/mail/<int:notice_id>/", outbox.mail, name="staff_mail_one"),
    path("staff/mail/<int:notice_id>/seen", outbox.mail_as_seen, name="staff_mail_as_seen"),
    path("staff/mail/<int:notice_id>/send-again", outbox.send_again, name="staff_mail_send_again"),
    path("staff/people/", staff.people, name="staff_people"),
    path("staff/storage/", storage.storage, name="staff_storage"),
    path("staff/storage/mail", storage.storage_mail, name="staff_storage_mail"),
    path("staff/storage.csv", storage.storage_csv, name="staff_storage_csv"),
    path("staff/storage-days.csv", storage.storage_days_csv, name="staff_storage_days_csv"),
    path("staff/projects/add", staff.add_project, name="project_add"),
    path("", include("uploads.urls")),
    path("", include("delivery.urls")),
    path("", include("keeping.urls")),
    path("", include("sharing.urls")),
    path("", include("reminders.urls")),
]
