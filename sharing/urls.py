from django.urls import path

from sharing.views import (
    answers,
    dataset_links,
    downloads,
    landing,
    live,
    renewal_policy,
    renewals,
    selections,
    shares,
    trees,
    webdav,
)

urlpatterns = [
    path("s/<str:token>", landing.landing, name="link"),
    path("s/<str:token>/password", landing.unlock_link, name="unlock_link"),
    path("s/<str:token>/i-have-it", answers.i_have_it, name="i_have_it"),
    path("s/<str:token>/not-me", answers.not_me, name="not_me"),
    path("s/<str:token>/no-reminders", answers.no_reminders, name="no_reminders"),
    path("s/<str:token>/more-time", landing.more_time, name="ask_more_time"),
    path("s/<str:token>/manifest-sha256.txt", downloads.link_manifest, name="link_manifest"),
    path("s/<str:token>/files/<path:path>", downloads.link_file, name="link_file"),
    path("s/<str:token>/live", live.link_live, name="link_live"),
    path("s/<str:token>/tree/", trees.link_tree, name="link_tree"),
    path("s/<str:token>/tree/<path:path>", trees.link_tree, name="link_tree"),
    path("s/<str:token>/selection", selections.link_selection, name="link_selection"),
    path("s/<str:token>/<str:name>.zip", downloads.link_zip, name="link_zip"),
    path("dav/", webdav.webdav, name="webdav"),
    path("dav/<path:path>", webdav.webdav, name="webdav"),
    path("datasets/<uuid:dataset_id>/share", shares.share, name="share_dataset"),
    path("datasets/<uuid:dataset_id>/links", dataset_links.dataset_links, name="dataset_links"),
    path("datasets/<uuid:dataset_id>/choose", selections.dataset_choose, name="dataset_choose"),
    path("datasets/<uuid:dataset_id>/selection", selections.dataset_selection, name="dataset_selection"),
    path(
        "datasets/<uuid:dataset_id>/download/manifest-sha256.txt", downloads.dataset_manifest, name="dataset_manifest"
    ),
    path("datasets/<uuid:dataset_id>/download/files/<path:path>", downloads.dataset_file, name="dataset_file"),
    path("datasets/<uuid:dataset_id>/download/<str:name>.zip", downloads.dataset_zip, name="dataset_zip"),
    path("projects/<slug:code>/settings/more-time", renewal_policy.more_time_policy, name="more_time_policy"),
    path("links/<int:link_id>/", shares.link_terms, name="link_terms"),
    path("links/<int:link_id>/send-again", shares.send_again, name="send_link_again"),
    path("links/<int:link_id>/more-time/<int:renewal_id>", renewals.answer_as_member, name="answer_renewal_as_member"),
    path("more-time/<str:answer_token>", renewals.answer_from_mail, name="answer_renewal"),
    path("links/<int:link_id>/revoke", shares.revoke, name="revoke_link"),
]
