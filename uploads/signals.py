"""What `uploads` tells the site, in the past tense, after commit, by id.

Each is sent with `sender` (the Upload class) and `upload_id` (a UUID); `upload_created` and
`upload_finished` also with `upload`, the row as it was just then, for receivers that see from it
that they need not act.
Receivers may be called more than once for one event after a crash, so they must be repeatable; a
receiver that raises is logged, and `upload_finished` is sent again by the next cleanup.
"""

from django.dispatch import Signal

upload_created = Signal()
upload_finished = Signal()
upload_terminated = Signal()
upload_expired = Signal()
