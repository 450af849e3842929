"""Clients send their photos to /files/."""

from django.urls import include, path

urlpatterns = [path("files/", include("uploads.urls"))]
