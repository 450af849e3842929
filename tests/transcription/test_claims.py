"""Claims, leases and the sweep, against each other, in one process and its database."""

import socket
import subprocess
import sys
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django_q.models import Failure, OrmQ, Task

from transcription import tasks
from transcription.conf import conf
from transcription.http import gradual_json
from transcription.models import Job, JobEvent, StageOutput, State, Transcript, Turn
from transcription.services.jobs import leases, queue, rerun, submit, transitions, workers
from transcription.services.jobs.events import note
from uploads.conf import conf as uploads_conf
from uploads.models import Upload

from .building import make_job, make_upload, state_of, within

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


def claimed(**facts: object) -> Job:
    make_job()
    job = leases.claim_next()
    assert job
    if facts:
        Job.objects.filter(pk=job.pk).update(**facts)
    return Job.objects.select_related("upload").get(pk=job.pk)


def dead_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def untaken() -> int:
    count: int = OrmQ.objects.filter(key="heavy", lock__lte=timezone.now()).count()
    return count


def test_jobs_are_claimed_once_in_the_order_of_their_arrival() -> None:
    now = timezone.now()
    late, early = make_job(queued=now), make_job(queued=now - timedelta(hours=1))
    first, second = leases.claim_next(), leases.claim_next()
    assert first and second and (first.pk, second.pk) == (early.pk, late.pk)
    assert leases.claim_next() is None


def in_line(turns: str, **facts: object) -> None:
    """Waiting jobs of these owners, in the order in which they came."""
    now = timezone.now() - timedelta(hours=1)
    for number, turn in enumerate(turns):
        make_job(turn=turn, queued=now + timedelta(seconds=number), **facts)


def served(count: int, ends: bool = True) -> str:
    """Whose jobs are claimed next; each ends before the next is claimed, or none does."""
    found = ""
    for _ in range(count):
        job = leases.claim_next()
        assert job
        found += job.turn
        if ends:
            assert transitions.complete(job, [], {})
    return found


def test_owners_are_served_in_turn_however_many_jobs_each_has() -> None:
    """Of one with many jobs only one goes before that of another who came later."""
    in_line("aaaaaaaaaabbc")
    assert served(7) == "abcabaa"
    in_line("d")  # came when "a" had been served last
    Job.objects.filter(turn="d").update(queued=timezone.now())
    assert served(3) == "ada"


def test_newcomers_do_not_keep_anybody_waiting_for_ever() -> None:
    """Each is behind those who wait already, so that everybody's turn comes."""
    in_line("aaa")
    assert served(1) == "a"
    order = ""
    for newcomer in "bcdef":
        make_job(turn=newcomer, queued=timezone.now())
        make_job(turn=newcomer, queued=timezone.now())
        order += served(1)
    assert order == "abacb"


def test_several_workers_work_for_several_owners() -> None:
    """Who has the fewest jobs at work is next."""
    in_line("aaaabb")
    assert served(4, ends=False) == "abab"


def test_deleted_jobs_were_served_all_the_same() -> None:
    """Who deletes each job when it is done does not go before all others for that."""
    in_line("ababab")
    order = ""
    for _ in range(4):
        order += served(1)
        transitions.delete(
            Job.objects.get(state=State.COMPLETED, turn=order[-1], upload__state="finished")
        )
    assert order == "abab"


def test_the_jobs_of_one_owner_are_done_in_their_order() -> None:
    owner = User.objects.create(username="one")
    upload = make_upload(owner=owner)
    job = submit.enqueue(submit.JobSpec(), owner.pk, upload)
    assert job.turn == f"user {owner.pk}"
    transitions.complete(leases.claim_next() or job, [], {})
    Job.objects.update(turn="", state=State.COMPLETED)  # as before there were turns
    rerun.run_again(Job.objects.get(), {})
    assert Job.objects.get().turn == f"user {owner.pk}"


@pytest.mark.parametrize(
    ("address", "turn"),
    [
        ("203.0.113.9", "address 203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "address 2001:db8:1:2::/64"),
        ("198.51.100.1 via 127.0.0.1", "address 127.0.0.1"),  # the client may have made it up
        ("x via y via ::1", "address ::/64"),
        ("", "address "),
    ],
)
def test_without_an_owner_the_address_counts(address: str, turn: str) -> None:
    """IPv6 by /64, and not what a client says of itself."""
    upload = make_upload(client_address=address)
    assert submit.enqueue(submit.JobSpec(), None, upload).turn == turn


@pytest.mark.starts
def test_turns_of_long_ago_are_forgotten() -> None:
    in_line("ab")
    assert served(2) == "ab"
    Turn.objects.filter(key="a").update(served=timezone.now() - timedelta(days=8))
    tasks.sweep()
    assert [turn.key for turn in Turn.objects.all()] == ["b"]


def test_a_stale_token_changes_nothing() -> None:
    stale = claimed()
    assert leases.release(stale, "test")
    current = leases.claim_next()
    assert current and current.pk == stale.pk
    assert not leases.heartbeat(stale) and not leases.should_continue(stale)
    assert not leases.release(stale, "test") and not transitions.fail(stale, "test")
    assert not transitions.complete(stale, [], {})
    assert leases.count_engine_death(stale) == 0
    assert state_of(stale) == "processing" and not Transcript.objects.exists()
    assert transitions.complete(current, [], {})


def test_release_of_a_job_that_was_to_be_cancelled_cancels_it() -> None:
    """The engine died in the same moment: it must not wait, and run, again."""
    job = claimed(cancel_requested=True)
    assert not leases.release(job, "the engine died")
    assert state_of(job) == "cancelled"


def test_a_released_job_shows_no_start() -> None:
    job = claimed()
    leases.release(job, "test")
    job.refresh_from_db()
    assert job.started is None and job.token is None and job.lease_expires is None


@pytest.mark.starts
def test_dead_workers_lose_their_leases_at_once() -> None:
    gone = claimed(worker_pid=dead_pid())
    lives = claimed()
    elsewhere = claimed(worker_pid=dead_pid(), worker_host="elsewhere")
    assert leases.free_leases_of_dead_workers() == 1
    assert [state_of(job) for job in (gone, lives, elsewhere)] == [
        *("queued", "processing", "processing")
    ]


def test_a_number_used_again_is_another_process() -> None:
    """Born after the job's last sign of life; one born before is the same, whatever the clock."""
    lease = timedelta(seconds=60)
    born = timezone.now().fromtimestamp(psutil.Process().create_time(), tz=timezone.now().tzinfo)
    rerun = claimed(lease_expires=born - timedelta(hours=1) + lease)
    same = claimed(lease_expires=born + timedelta(seconds=1) + lease)
    assert workers.is_gone(rerun) and not workers.is_gone(same)


@pytest.mark.starts
def test_containers_with_one_host_name_leave_each_others_jobs_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = claimed(worker_pid=dead_pid(), worker_host=f"{socket.gethostname()}/4026539999")
    assert leases.free_leases_of_dead_workers() == 0
    assert state_of(job) == "processing"


def test_processes_that_we_may_not_look_at_count_as_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    job = claimed()

    def denied(pid: int) -> None:
        raise psutil.AccessDenied(pid)

    monkeypatch.setattr(psutil, "Process", denied)
    assert not workers.is_gone(job)


def test_expired_leases_go_to_others() -> None:
    lost = claimed(worker_host="elsewhere", lease_expires=timezone.now() - timedelta(seconds=1))
    assert leases.free_expired_leases() == 1
    assert state_of(lost) == "queued"


def test_a_sign_of_life_between_look_and_release_keeps_the_lease() -> None:
    job = claimed(lease_expires=timezone.now() - timedelta(seconds=1))
    assert leases.heartbeat(job)
    overdue = {"lease_expires__lt": timezone.now()}
    assert not leases.release(job, "no sign of life", **overdue)
    assert state_of(job) == "processing"


@pytest.mark.starts
def test_cancel_of_a_job_whose_worker_is_dead_holds_at_once() -> None:
    job = claimed(worker_pid=dead_pid())
    assert transitions.cancel(job)
    assert state_of(job) == "cancelled"


@pytest.mark.parametrize("state", list(State))
def test_delete_in_every_state(state: State) -> None:
    job = make_job(state=state)
    Transcript.objects.create(job=job)
    JobEvent.objects.create(job=job, what="test")
    transitions.delete(Job.objects.get(pk=job.pk))
    assert not Job.objects.exists() and not Transcript.objects.exists()
    upload = Upload.objects.get()
    assert upload.state == "terminated" and not upload.has_bytes


def test_a_job_deleted_under_its_worker_is_no_fault() -> None:
    job = claimed()
    transitions.delete(job)
    assert not leases.should_continue(job) and not leases.heartbeat(job)
    assert not transitions.complete(job, [], {}) and not transitions.fail(job, "test")
    assert leases.count_engine_death(job) == 0
    note(job.pk, "a note on what is gone")
    assert not JobEvent.objects.exists()


def test_the_sweep_adds_no_more_entries_than_jobs_wait() -> None:
    for _ in range(3):
        make_job()
    assert queue.enqueue_for_all_waiting() == 3
    assert queue.enqueue_for_all_waiting() == 0
    assert untaken() == 3
    OrmQ.objects.update(lock=timezone.now() + timedelta(days=29))  # taken by a cluster that died
    assert queue.enqueue_for_all_waiting() == 3


def test_the_queue_forgets() -> None:
    long_ago = timezone.now() - timedelta(days=40)
    for number, stopped in enumerate((long_ago, timezone.now())):
        Task.objects.create(
            id=uuid.uuid4().hex,
            name=str(number),
            func="x",
            started=stopped,
            stopped=stopped,
            success=False,
        )
    ahead = timezone.now() + timedelta(days=30)
    OrmQ.objects.create(key="heavy", payload="", lock=ahead - timedelta(days=9))
    OrmQ.objects.create(key="heavy", payload="", lock=ahead - timedelta(hours=9))
    OrmQ.objects.create(key="heavy", payload="", lock=timezone.now())
    queue.prune()
    assert Failure.objects.count() == 1 and OrmQ.objects.count() == 2


@pytest.mark.starts
def test_one_step_of_the_sweep_that_fails_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = claimed(worker_host="elsewhere", lease_expires=timezone.now() - timedelta(seconds=1))

    def broken() -> int:
        raise ValueError("broken")

    monkeypatch.setattr(leases, "free_leases_of_dead_workers", broken)
    tasks.sweep()
    assert state_of(job) == "queued"


@pytest.mark.starts
def test_the_sweep_makes_jobs_that_a_crash_swallowed() -> None:
    old = timezone.now() - timedelta(minutes=1)
    upload = make_upload(notified_at=None, finished=old, metadata={"language": "de"})
    fresh = make_upload(notified_at=None)
    tasks.sweep()
    assert [job.upload_id for job in Job.objects.all()] == [upload.pk]
    assert Job.objects.get().language == "de"
    leases.recover_on_startup()  # nobody is at it any more
    assert {job.upload_id for job in Job.objects.all()} == {upload.pk, fresh.pk}
    assert not Upload.objects.filter(notified_at=None).exists()


def test_heavy_worker_that_takes_nothing_is_seen_whatever_else_happens() -> None:
    old = timezone.now() - timedelta(minutes=10)
    waiting = make_job(queued=old)
    assert leases.stall_reason()
    JobEvent.objects.create(job=waiting, what="Queued: the upload is finished.")
    assert leases.stall_reason()  # new uploads are no sign of life of a worker
    Job.objects.create(state=State.COMPLETED, started=timezone.now())
    assert not leases.stall_reason()


def test_jobs_wait_while_their_recordings_are_out_of_reach(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A disk that is not mounted fails no job, and no worker is restarted for it."""
    ran: list[Job] = []
    monkeypatch.setattr(tasks, "run", ran.append)
    job = make_job(queued=timezone.now() - timedelta(minutes=10))
    store = Path(uploads_conf.UPLOADS_DIR)
    aside = store.rename(store.with_name("aside"))
    tasks.work()
    assert (ran, state_of(job)) == ([], State.QUEUED)
    assert not leases.stall_reason()
    aside.rename(store)
    assert leases.stall_reason()
    tasks.work()
    assert ran == [job]


def test_a_task_id_that_is_taken_or_nonsense_is_no_error(settings: LazySettings) -> None:
    settings.UPLOADS_ACCEPT = "any"
    wav = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00" + bytes(400)
    wanted = str(uuid.uuid4())
    first, second = (make_upload(wav, metadata={"taskId": wanted}) for _ in range(2))
    third = make_upload(wav, metadata={"taskId": "no uuid", "model": "/etc", "language": "x" * 99})
    # Somebody takes the upload's own identifier before it is finished.
    fourth = make_upload(wav)
    thief = make_upload(wav, metadata={"taskId": str(fourth.id)})
    uploads = (first, second, third, thief, fourth)
    jobs = [submit.submit_upload(upload.id) for upload in uploads]
    assert all(
        job and job.upload_id == upload.id for job, upload in zip(jobs, uploads, strict=True)
    )
    assert jobs[0] and str(jobs[0].id) == wanted
    assert jobs[2] and jobs[2].model == conf.WHISPER_MODEL and jobs[2].language == ""
    rerun = [submit.submit_upload(upload.id) for upload in uploads]
    assert [job and job.id for job in jobs] == [job and job.id for job in rerun]
    picture = make_upload(b"\x89PNG\r\n\x1a\n" + bytes(600), file_name="a.png")
    assert submit.submit_upload(picture.id) is None
    assert submit.submit_upload(uuid.uuid4()) is None
    assert Job.objects.count() == len(uploads)


def test_documents_are_written_as_json_before_the_database_is_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In their steps others go on: on SQLite none of them could write for seconds."""
    write, held = gradual_json.write_gradually, []

    def watched(*arguments: Any) -> Any:
        held.append(transaction.get_connection().in_atomic_block)
        return write(*arguments)

    monkeypatch.setattr(gradual_json, "write_gradually", watched)
    turns = [{"label": "A", "speaker": "A", "start": 0.0, "end": 1.0}]
    wish = submit.JobSpec(given={StageOutput.Name.DIARIZE: turns})
    job = submit.enqueue(wish, None)
    assert held == [False]
    assert StageOutput.objects.get(job=job).output == turns
