"""All URLs of the site."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path, re_path

from transcription.api.paths import without_slash
from uploads.views import UploadsView
from whisperx_site.accounts.known_browsers import remembering_browsers
from whisperx_site.accounts.views import LoginPage
from whisperx_site.monitoring.views import metrics
from whisperx_site.views import admin_without_slash

urlpatterns = [
    path("uploads/files/", include("uploads.urls")),
    path("uploads/files", UploadsView.as_view()),
    path("", include("transcription.urls")),
    path(
        "login",
        remembering_browsers(LoginPage.as_view()),
        name="login",
    ),
    path("metrics", metrics, name="metrics"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("admin", admin_without_slash),
    path("admin/", admin.site.urls),
    re_path(r"^(?P<path>[\s\S]+)/\Z", without_slash),
]

handler400 = "whisperx_site.views.bad_request"
handler403 = "whisperx_site.views.forbidden"
handler404 = "whisperx_site.views.not_found"
handler500 = "whisperx_site.views.server_error"
