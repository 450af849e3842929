"""Content-Security-Policy: Django's own from 6.0 on; django-csp for Django 5.2, which has none.

Both leave a header alone that a view has set, and both read the same policy (SECURE_CSP).
"""

try:
    from django.views.decorators.csp import csp_override
except ImportError:
    from csp.decorators import csp as csp_override  # type: ignore[assignment]

    MIDDLEWARE = "csp.middleware.CSPMiddleware"
else:
    MIDDLEWARE = "django.middleware.csp.ContentSecurityPolicyMiddleware"

__all__ = ["MIDDLEWARE", "csp_override"]
