"""The addresses of the protocol, with and without trailing slash; no redirect loses a body."""

from django.urls import path

from uploads.views import UploadsView, UploadView

app_name = "uploads"

urlpatterns = [
    path("/<str:upload_id>", UploadView.as_view(), name="upload"),  # most requests, so first
    path("/", UploadsView.as_view(), name="uploads"),
    path("", UploadsView.as_view()),
    path("/<str:upload_id>/", UploadView.as_view()),
]
