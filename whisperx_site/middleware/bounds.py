"""Limits of a request apart from uploads and recordings: sizes and times."""

FIELDS_BYTES = 64 * 1024
"""All header fields together."""
UPLOAD_FIELDS_BYTES = 320 * 1024
"""Those named Upload-… on the addresses of uploads, besides: metadata, and lists of parts."""
COOKIE_BYTES = 32 * 1024
"""All cookies together: other programs on this host may have set many."""
COOKIE_ESCAPES = 64
"""Backslashes in cookies: for each, Python looks through all that follows."""
PREFERENCE_BYTES = 1024
"""Content-Type and Accept, which Django reads in more than linear time."""
TRAILER_BYTES = 16 * 1024
"""All fields behind a chunked body."""
CHUNK_LINE_BYTES = 8 * 1024
"""The line before a chunk: its size and what extends that; one field of a trailer."""
HEAD_SECONDS = 30.0
"""From the first piece of a head to its end."""
REST_SECONDS = 5.0
"""For the small rest of a body that was answered before it was read."""
FORM_BYTES = 128 * 1024
"""The body of a page's form."""
FORM_SECONDS = 60.0
"""Until it is whole."""
