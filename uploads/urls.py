from django.urls import path

from uploads.views import tus

urlpatterns = [
    path("tus/", tus.endpoint, name="tus"),
    path("tus/<str:upload_id>", tus.endpoint, name="tus_upload"),
]
