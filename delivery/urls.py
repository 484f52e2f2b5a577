from django.urls import path

from delivery.views import copies, destinations, hooks, pushes, recipient_pushes

urlpatterns = [
    path("s/<str:token>/copy", copies.link_copy, name="link_copy"),
    path("s/<str:token>/push/<slug:kind>", recipient_pushes.link_push, name="link_push"),
    path("projects/<slug:code>/destinations/", destinations.destinations, name="destinations"),
    path("projects/<slug:code>/destinations/new/<slug:kind>", destinations.destination_new, name="destination_new"),
    path(
        "projects/<slug:code>/destinations/<int:destination_id>/remove",
        destinations.destination_remove,
        name="destination_remove",
    ),
    path("projects/<slug:code>/hooks/", hooks.hooks, name="hooks"),
    path("projects/<slug:code>/hooks/new", hooks.hook_new, name="hook_new"),
    path("projects/<slug:code>/hooks/<int:hook_id>/", hooks.hook, name="hook"),
    path("projects/<slug:code>/hooks/<int:hook_id>/test", hooks.hook_test, name="hook_test"),
    path("projects/<slug:code>/hooks/<int:hook_id>/start", hooks.hook_start, name="hook_start"),
    path("projects/<slug:code>/hooks/<int:hook_id>/remove", hooks.hook_remove, name="hook_remove"),
    path("datasets/<uuid:dataset_id>/push", pushes.push, name="dataset_push"),
    path("deliveries/<int:delivery_id>/cancel", pushes.cancel, name="delivery_cancel"),
]
