"""Who gets what: for each route and each action of the admin one answer for each of KINDS.

Routes are asked by GET; what only a form or a program may do (405) is tried in CHANGES.
"""

KINDS = (
    *("anonymous", "another user", "owner"),
    *("staff without permission", "staff with permission", "superuser"),
    *("key", "expired key", "revoked key"),
)
OPEN = "200 200 200 200 200 200 200 200 200"
USERS = "401 200 200 200 200 200 200 401 401"
OWNERS = "401 404 200 404 200 200 200 401 401"
ONLY_CHANGES = "401 405 405 405 405 405 405 401 401"
LED_ON = "401 307 307 307 307 307 307 401 401"
STAFF = "401 302 302 200 200 200 403 401 401"
ALLOWED_STAFF = "401 302 302 403 200 200 403 401 401"
SUPERUSERS = "401 302 302 403 403 200 403 401 401"
NO_STAFF = "401 302 302 403 403 403 403 401 401"
REDIRECTED = "401 302 302 302 302 302 403 401 401"
NOT_FOUND = "401 302 302 404 404 404 403 401 401"

ROUTES = {
    "": LED_ON,
    "health": OPEN,
    "health/live": OPEN,
    "health/ready": "503 503 503 503 503 503 503 503 503",  # no other process sees this database
    "login": "200 302 302 302 302 302 302 401 401",
    "logout": ONLY_CHANGES,
    "metrics": "401 403 403 200 200 200 403 401 401",
    "docs": USERS,
    "redoc": USERS,
    "openapi.json": USERS,
    # Uploads
    "uploads/files": ONLY_CHANGES,
    "uploads/files/": ONLY_CHANGES,
    "uploads/files/<str:upload_id>": OWNERS,
    "uploads/files/<str:upload_id>/": OWNERS,
    # Pages
    "jobs.json": USERS,
    "jobs/<uuid:job_id>": OWNERS,
    "jobs/<uuid:job_id>.json": OWNERS,
    "jobs/<uuid:job_id>/segments.json": OWNERS,
    "jobs/<uuid:job_id>/export.<str:kind>": OWNERS,
    "jobs/<uuid:job_id>/cancel": ONLY_CHANGES,
    "jobs/<uuid:job_id>/rerun": ONLY_CHANGES,
    "jobs/<uuid:job_id>/delete": ONLY_CHANGES,
    # The API
    "speech-to-text": ONLY_CHANGES,
    "speech-to-text-url": ONLY_CHANGES,
    "service/transcribe": ONLY_CHANGES,
    "service/align": ONLY_CHANGES,
    "service/diarize": ONLY_CHANGES,
    "service/combine": ONLY_CHANGES,
    "upload/stream": ONLY_CHANGES,
    "task/all": USERS,
    "task/<str:identifier>": OWNERS,
    "task/<str:identifier>/partial": OWNERS,
    "task/<str:identifier>/delete": ONLY_CHANGES,
    "tasks/<str:identifier>/progress": OWNERS,
    "v1/models": USERS,
    "v1/models/<path:name>": USERS,
    "v1/audio/transcriptions": ONLY_CHANGES,
    "v1/audio/translations": ONLY_CHANGES,
    r"^v1/.*[^/]+\Z": "401 404 404 404 404 404 404 401 401",
    r"^(?P<path>[\s\S]+)/\Z": LED_ON,
    # The admin, without its lists
    "admin": REDIRECTED,
    "admin/": STAFF,
    "admin/overview": STAFF,
    "admin/login/": "401 200 200 302 302 302 403 401 401",
    "admin/logout/": "401 302 302 405 405 405 403 401 401",
    "admin/password_change/": STAFF,
    "admin/password_change/done/": STAFF,
    "admin/autocomplete/": NO_STAFF,
    "admin/jsi18n/": STAFF,
    "admin/r/<path:content_type_id>/<path:object_id>/": NOT_FOUND,
    "admin/auth/user/<id>/password/": ALLOWED_STAFF,
    "admin/uploads/cleanuprun/run": "401 302 302 403 302 302 403 401 401",
    "admin/uploads/cleanuprun/orphans": ALLOWED_STAFF,
    "admin/^(?P<app_label>django_q|auth|accounts|uploads|transcription)/$": (
        "401 302 302 404 200 200 403 401 401"
    ),
    "admin/(?P<url>.*)$": NOT_FOUND,
}

PAGES_OF_A_MODEL = {
    "": ALLOWED_STAFF,
    "add/": NO_STAFF,
    "<path:object_id>/": REDIRECTED,
    "<path:object_id>/change/": ALLOWED_STAFF,
    "<path:object_id>/history/": ALLOWED_STAFF,
    "<path:object_id>/delete/": ALLOWED_STAFF,
}
"""Of each model of the admin, unless EXCEPTIONS has another answer."""
EXCEPTIONS = {
    "django_q/schedule/add/": ALLOWED_STAFF,
    "auth/user/add/": ALLOWED_STAFF,
    "auth/group/add/": SUPERUSERS,
    "auth/group/<path:object_id>/delete/": SUPERUSERS,
    # Staff see their own keys.
    "accounts/apikey/add/": ALLOWED_STAFF,
    "accounts/apikey/<path:object_id>/history/": "401 302 302 302 302 200 403 401 401",
    "accounts/apikey/<path:object_id>/change/": "401 302 302 403 302 200 403 401 401",
    "accounts/apikey/<path:object_id>/delete/": "401 302 302 403 302 200 403 401 401",
    # What has bytes, or belongs to a job, is ended by actions.
    "uploads/upload/<path:object_id>/delete/": NO_STAFF,
    "transcription/job/<path:object_id>/delete/": NO_STAFF,
    "transcription/stageoutput/<path:object_id>/delete/": NO_STAFF,
    "transcription/delivery/<path:object_id>/delete/": NO_STAFF,
}

MAY = "401 302 302 403 may may 403 401 401"
SUPERUSERS_MAY = "401 302 302 403 200 may 403 401 401"
ACTIONS = {
    "django_q.schedule.delete_selected": MAY,
    "django_q.schedule.pause": MAY,
    "django_q.schedule.resume": MAY,
    "django_q.success.delete_selected": MAY,
    "django_q.failure.delete_selected": MAY,
    "django_q.ormq.delete_selected": MAY,
    "auth.user.delete_selected": MAY,
    "auth.group.delete_selected": SUPERUSERS_MAY,
    "accounts.apikey.delete_selected": SUPERUSERS_MAY,
    "uploads.cleanuprun.delete_selected": MAY,
    "uploads.upload.terminate": MAY,
    "uploads.upload.expire_now": MAY,
    "uploads.upload.extend": MAY,
    "uploads.upload.verify": MAY,
    "transcription.delivery.send_again": MAY,
    "transcription.job.cancel": MAY,
    "transcription.job.high_priority": MAY,
    "transcription.job.normal_priority": MAY,
    "transcription.job.low_priority": MAY,
    "transcription.job.run_again": MAY,
    "transcription.job.run_again_with": MAY,
    "transcription.job.delete_with_recording": MAY,
}

CHANGES = (
    ("post", "jobs/<uuid:job_id>/cancel"),
    ("post", "jobs/<uuid:job_id>/rerun"),
    ("post", "jobs/<uuid:job_id>/delete"),
    ("delete", "task/<str:identifier>/delete"),
    ("patch", "uploads/files/<str:upload_id>"),
    ("delete", "uploads/files/<str:upload_id>"),
)
"""What changes or ends an upload or a job of its owner."""
NOT_THEIRS = {
    "anonymous": 401,
    "another user": 404,
    "staff without permission": 404,
    "expired key": 401,
    "revoked key": 401,
}


def admin_route(route: str) -> str | None:
    """What a page of one of the admin's models answers; None: it is none, so ROUTES has it."""
    if not route.startswith("admin/") or route in ROUTES:
        return None
    _, app, model, page = route.split("/", 3)
    return EXCEPTIONS.get(f"{app}/{model}/{page}") or PAGES_OF_A_MODEL.get(page)
