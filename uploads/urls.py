"""The URLs of the protocol, for `path("files/", include("uploads.urls"))`.

Uploads are served with and without trailing slash: a redirect would lose the body.
"""

from django.urls import path

from uploads.views import UploadsView, UploadView

app_name = "uploads"

urlpatterns = [
    path("<str:upload_id>", UploadView.as_view(), name="upload"),  # the most frequent
    path("", UploadsView.as_view(), name="uploads"),
    path("<str:upload_id>/", UploadView.as_view()),
]
