from django.urls import path

from uploads.views import agents, browser, closing, drop, drop_links, instruments, tokens, tus, versions

urlpatterns = [
    path("tus/", tus.endpoint, name="tus"),
    path("tus/<str:upload_id>", tus.endpoint, name="tus_upload"),
    path("drop/<str:drop_token>", drop.drop, name="drop"),
    path("drop/<str:drop_token>/<uuid:drop_id>", drop.drop_files, name="drop_files"),
    path("projects/<slug:code>/drop-links/", drop_links.drop_links, name="drop_links"),
    path("projects/<slug:code>/drop-links/new", drop_links.drop_link_new, name="drop_link_new"),
    path(
        "projects/<slug:code>/drop-links/<int:drop_link_id>/revoke",
        drop_links.drop_link_revoke,
        name="drop_link_revoke",
    ),
    path("projects/<slug:code>/upload", browser.upload_new, name="upload_new"),
    path("datasets/<uuid:dataset_id>/upload", browser.dataset_upload, name="dataset_upload"),
    path("datasets/<uuid:dataset_id>/close", closing.close, name="dataset_close"),
    path("datasets/<uuid:dataset_id>/versions", versions.versions, name="dataset_versions"),
    path("datasets/<uuid:dataset_id>/versions/<int:file_id>", versions.version, name="dataset_version"),
    path("projects/<slug:code>/instruments/<slug:slug>/", instruments.instrument, name="instrument"),
    path("projects/<slug:code>/instruments/<slug:slug>/agents", agents.instrument_agents, name="instrument_agents"),
    path("projects/<slug:code>/agents/", agents.project_agents, name="project_agents"),
    path("projects/<slug:code>/agents/<int:agent_number>/remove", agents.forget, name="agent_forget"),
    path("projects/<slug:code>/upload-tokens/", tokens.token_list, name="upload_tokens"),
    path("projects/<slug:code>/upload-tokens/new", tokens.token_new, name="upload_token_new"),
    path(
        "projects/<slug:code>/upload-tokens/<int:token_id>/renew",
        tokens.token_renew,
        name="upload_token_renew",
    ),
    path(
        "projects/<slug:code>/upload-tokens/<int:token_id>/revoke",
        tokens.token_revoke,
        name="upload_token_revoke",
    ),
]
