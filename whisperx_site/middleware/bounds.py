"""Limits of sizes and times for requests, except uploads and recordings."""

FIELDS_BYTES = 64 * 1024
"""All header fields together."""
UPLOAD_FIELDS_BYTES = 320 * 1024
"""Fields named Upload-… at upload addresses, in addition: metadata, and lists of parts."""
COOKIE_BYTES = 32 * 1024
"""All cookies together: other programs on this host may have set many."""
COOKIE_ESCAPES = 64
"""Backslashes in cookies: for each, Python searches all that follows."""
PREFERENCE_BYTES = 1024
"""Content-Type and Accept, which Django parses in more than linear time."""
TRAILER_BYTES = 16 * 1024
"""All trailer fields after a chunked body."""
CHUNK_LINE_BYTES = 8 * 1024
"""A chunk's line (its size and extensions), or one trailer field."""
HEAD_SECONDS = 30.0
"""The time from the first piece of a request's header to its end."""
REST_SECONDS = 5.0
"""The time for the small rest of a body after an early response."""
FORM_BYTES = 128 * 1024
"""The body of a page's form."""
FORM_SECONDS = 60.0
"""The time until it is complete."""
