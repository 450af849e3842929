"""The signals of `uploads`, in the past tense, sent after commit, with ids.

Each is sent with `sender` (the Upload class) and `upload_id` (a UUID); `upload_created` and
`upload_finished` also with `upload`, the row as it was then, so that receivers can skip a query.
After a crash, receivers may be called again for the same event, so they must be repeatable. If a
receiver raises, that is logged, and the next cleanup sends `upload_finished` again.
"""

from django.dispatch import Signal

upload_created = Signal()
upload_finished = Signal()
upload_terminated = Signal()
upload_expired = Signal()
