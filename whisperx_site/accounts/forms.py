"""The two login forms: the site's and the admin's."""

from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from whisperx_site.accounts.hashing import NoPlace, require_place
from whisperx_site.accounts.throttle import begin_attempt, forgive


class ThrottledForm(AuthenticationForm):
    """A login form with limited guesses."""

    def clean(self) -> dict[str, Any]:
        """Counts the attempt before it checks the password."""
        username = self.cleaned_data.get("username")
        if username is None or not self.cleaned_data.get("password"):
            return super().clean()
        require_place()
        attempt = begin_attempt(self.request, username)
        if attempt is None:
            raise ValidationError(
                "Too many wrong passwords. Wait five minutes, then try again.", code="throttled"
            )
        try:
            cleaned = super().clean()
        except NoPlace:
            attempt.delete()  # the password was not checked, so it was no guess
            raise
        forgive(attempt)
        return cleaned


class ThrottledAdminForm(ThrottledForm, AdminAuthenticationForm):
    pass
