"""The URLs of the protocol, with and without trailing slash: a redirect would lose the body."""

from django.urls import path

from uploads.views import UploadsView, UploadView

app_name = "uploads"

urlpatterns = [
    path("/<str:upload_id>", UploadView.as_view(), name="upload"),  # the most frequent
    path("/", UploadsView.as_view(), name="uploads"),
    path("", UploadsView.as_view()),
    path("/<str:upload_id>/", UploadView.as_view()),
]
