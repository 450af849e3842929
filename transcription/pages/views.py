"""The pages, and the JSON that their scripts poll."""

import math
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_POST

from transcription.formats import FORMATS, by_speaker, written
from transcription.http.compression import compressed
from transcription.http.streaming import streamed, streamed_json
from transcription.media.names import SUFFIXES
from transcription.models import Job
from transcription.pages.choices import chosen, offer
from transcription.pages.recordings import GROUPS, PAGE_SIZE, Filters, list_left, listing
from transcription.pages.serializers import job_details, text_so_far
from transcription.services.jobs import rerun, transitions
from transcription.services.jobs.queries import get_for_user
from transcription.services.options.rerun_options import NotUnderstood, changes_of
from transcription.services.outlook import outlook
from transcription.services.stages.results import StoredList, find_segments
from uploads.conf import conf as uploads_conf
from uploads.services.create import as_text

CHUNK_SIZE = 50 * 1024**2  # Cloudflare's smaller plans accept requests of up to 100 MB
LONGEST_LIST = 100
LONGEST_STEM = 150  # characters of a download's name: file systems and proxies have limits


def wanted_job(request: HttpRequest, job_id: Any, to_change: bool = False) -> Job:
    """The job of the URL, if the user may see it, or change it if that is required."""
    job = get_for_user(str(job_id), request.user, to_change)
    if job is None:
        raise Http404("There is no such recording.")
    return job


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The home page; programs that don't ask for HTML are redirected to the documentation."""
    if not prefers_html(request):
        return HttpResponse(status=307, headers={"Location": "/docs", "Vary": "Accept"})
    filters = Filters.of(request.GET)
    response = render(
        request,
        "transcription/home.html",
        {
            **listing(request.user, filters),
            "filters": filters,
            "states": [(state, label) for state, (label, _) in GROUPS.items()],
            "upload_endpoint": reverse("uploads:uploads"),
            "chunk_size": CHUNK_SIZE,
            "max_size": uploads_conf.UPLOADS_MAX_SIZE,
            "accept": [f".{suffix}" for suffix in SUFFIXES]
            if uploads_conf.UPLOADS_ACCEPT == "media"
            else ["*/*"],
            "offer": offer(),
            "outlook": outlook(),
        },
    )
    patch_vary_headers(response, ["Accept"])
    response["Cache-Control"] = "no-store"
    return response


def prefers_html(request: HttpRequest) -> bool:
    """Whether Accept prefers text/html; a bare `*/*` doesn't ask for a page."""
    preferred = request.get_preferred_type(["text/html", "application/json"])
    return preferred == "text/html" and "text/html" in request.headers.get("Accept", "")


@require_GET
def jobs_json(request: HttpRequest) -> HttpResponse:
    """The list as JSON, with the same query; `limit` is the page size."""
    limit = request.GET.get("limit", "")
    is_count = limit.isdecimal() and limit.isascii() and len(limit) < 5
    size = max(1, min(int(limit), LONGEST_LIST)) if is_count else PAGE_SIZE
    response = JsonResponse(listing(request.user, Filters.of(request.GET), size))
    response["Cache-Control"] = "no-store"
    return response


@require_GET
def job_page(request: HttpRequest, job_id: Any) -> HttpResponse:
    """One recording: its progress, then its transcript."""
    job = wanted_job(request, job_id)
    context = {
        "job": job_details(job, request.user),
        "offer": offer(job),
        "list_left": list_left(request),
    }
    response = render(request, "transcription/job.html", context)
    response["Cache-Control"] = "no-store"
    return response


@require_GET
def job_json(request: HttpRequest, job_id: Any) -> HttpResponse:
    """The same data for the page's script; with `after`, also the text so far from there on."""
    job = wanted_job(request, job_id)
    details = job_details(job, request.user)
    if details["shows_partial"] and (after := request.GET.get("after")) is not None:
        details["text"] = text_so_far(job, seconds_in(after))
    response = JsonResponse(details)
    response["Cache-Control"] = "no-store"
    return response


def seconds_in(text: str) -> float:
    """The seconds in a query; 0 if it holds none."""
    try:
        seconds = float(text)
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) else 0.0


def transcript_of(job: Job) -> StoredList:
    found = find_segments(job)
    if found is None:
        raise Http404("There is no transcript yet.")
    return found


@require_GET
def segments(request: HttpRequest, job_id: Any) -> HttpResponseBase:
    """The transcript, in segments of one speaker each."""
    job = wanted_job(request, job_id)
    response = streamed_json({"segments": by_speaker(transcript_of(job))})
    response["Cache-Control"] = "private, no-cache"
    return compressed(request, response)


@require_GET
def export(request: HttpRequest, job_id: Any, kind: str) -> HttpResponseBase:
    job = wanted_job(request, job_id)
    if kind not in FORMATS:
        raise Http404(f"Transcripts come as: {', '.join(FORMATS)}.")
    form = FORMATS[kind]
    text = written(kind, transcript_of(job), facts_of(job))
    response = streamed(text, form.content_type)
    name = as_text(job.file_name.encode("utf-8", "replace"))  # without line breaks: it is a header
    stem = (name.rpartition(".")[0] or name or "transcript")[:LONGEST_STEM]
    response["Content-Disposition"] = content_disposition_header(True, stem + form.suffix) or ""
    return compressed(request, response)


def facts_of(job: Job) -> dict[str, Any]:
    """Metadata of an export."""
    return {
        "file_name": job.file_name,
        "language": job.language_used or job.language or None,
        "duration": job.audio_duration,
        "engine": job.engine_used,
        "model": job.model_used,
        "created": job.created.isoformat(),
    }


@require_POST
def cancel(request: HttpRequest, job_id: Any) -> HttpResponse:
    """Cancels the job; an ended one stays as it is."""
    job = wanted_job(request, job_id, to_change=True)
    transitions.cancel(job)
    return done(request, reverse("job", args=[job.pk]))


@require_POST
def run_again(request: HttpRequest, job_id: Any) -> HttpResponse:
    """Transcribes the recording again, optionally with other options."""
    job = wanted_job(request, job_id, to_change=True)
    try:
        changes = changes_of(job, request.POST.dict(), chosen(job))
    except NotUnderstood as reason:
        return refused(request, 422, str(reason))
    try:
        rerun.run_again(job, changes)
    except rerun.CannotRun as reason:
        return refused(request, 409, str(reason))
    return done(request, reverse("job", args=[job.pk]))


@require_POST
def delete(request: HttpRequest, job_id: Any) -> HttpResponse:
    """Deletes the job, its transcript and its recording."""
    transitions.delete(wanted_job(request, job_id, to_change=True))
    return done(request, "/")


def done(request: HttpRequest, address: str) -> HttpResponse:
    """Redirects forms without script; scripts get a short response."""
    if prefers_html(request):
        response = redirect(address)
        response.status_code = 303
        return response
    return JsonResponse({"url": address})


def refused(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    """An error, for forms or for scripts."""
    if prefers_html(request):
        return render(request, "400.html", {"exception": detail}, status=status)
    return JsonResponse({"detail": detail}, status=status)
