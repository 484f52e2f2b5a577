"""All addresses of the portal. The one place in this room that looks upwards: here the rooms are put together."""

from django.contrib import admin
from django.urls import include, path

from portal.api import make_api
from portal.views import health
from uploads.api import router as uploads_router

api = make_api()
api.add_router("", uploads_router)

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("api/v1/", api.urls),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("", include("uploads.urls")),
    path("", include("sharing.urls")),
]
