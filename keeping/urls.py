from django.urls import path

from keeping.views import answers, classes, datasets, staff

urlpatterns = [
    path("projects/<slug:code>/keeping/", classes.project_keeping, name="project_keeping"),
    path("projects/<slug:code>/keeping/add", classes.class_add, name="retention_class_add"),
    path("projects/<slug:code>/keeping/<int:class_id>/edit", classes.class_edit, name="retention_class_edit"),
    path("projects/<slug:code>/keeping/<int:class_id>/remove", classes.class_remove, name="retention_class_remove"),
    path("datasets/<uuid:dataset_id>/keeping", datasets.dataset_keeping, name="dataset_keeping"),
    path("datasets/<uuid:dataset_id>/keeping/hold", datasets.dataset_hold, name="dataset_hold"),
    path("datasets/<uuid:dataset_id>/keeping/release", datasets.dataset_release_hold, name="dataset_release_hold"),
    path("datasets/<uuid:dataset_id>/keeping/extend", datasets.dataset_extend, name="dataset_extend"),
    path("datasets/<uuid:dataset_id>/keeping/delete", datasets.dataset_delete, name="dataset_delete"),
    path("datasets/<uuid:dataset_id>/keeping/restore", datasets.dataset_restore, name="dataset_restore"),
    path("staff/deletions/", staff.deletions, name="staff_deletions"),
    path("keep/<str:keep_token>", answers.answer, name="keep_answer"),
]
