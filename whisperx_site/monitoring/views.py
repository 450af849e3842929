"""`/metrics`, for Prometheus."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures; who may read them is decided in `accounts.access`."""
    if not settings.METRICS:
        raise Http404("There are no figures: METRICS is off.")
    # What counts is only loaded by sites that want it.
    from whisperx_site.monitoring import figures

    return HttpResponse(figures.as_text(), content_type=figures.CONTENT_TYPE)
