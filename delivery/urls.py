from django.urls import path

from delivery.views import copies

urlpatterns = [
    path("s/<str:token>/copy", copies.link_copy, name="link_copy"),
]
