from django.urls import path

from reminders.views import policy

urlpatterns = [path("projects/<slug:code>/reminders/", policy.reminders, name="project_reminders")]
