"""Whose job is next: owners are served in turn, and who has none by the address."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.utils import timezone

from transcription import tasks
from transcription.models import Job, State, Turn
from transcription.services.jobs import leases, rerun, submit, transitions
from transcription.services.scheduling import turns

from .building import make_job, make_upload, within

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


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


def at_work(turn: str, minutes_ago: float = 10.0, **facts: object) -> Job:
    """A job that has just been claimed."""
    queued = timezone.now() - timedelta(minutes=minutes_ago)
    job = leases.claim(make_job(turn=turn, queued=queued, created=queued, **facts).pk)
    assert job
    return job


def test_a_job_goes_on_while_nobody_waits() -> None:
    job = at_work("a")
    assert not turns.must_pause(job)


def test_a_job_is_paused_for_another_owner_and_goes_on_after_their_turn() -> None:
    job = at_work("a")
    in_line("bb", task_type="transcription")
    assert turns.must_pause(job)
    leases.pause(job, "others wait.")
    assert served(2) == "ba"
    job.refresh_from_db()
    assert job.state == State.COMPLETED and job.turns == 2


def test_a_job_is_paused_for_one_of_its_owner_that_was_not_started_yet_and_for_no_other() -> None:
    """A short recording need not wait for a long one, and two long ones are not done by halves."""
    job = at_work("a")
    make_job(turn="a")
    assert turns.must_pause(job)
    leases.pause(job, "others wait.")
    newer = leases.claim_next()
    assert newer and newer.pk != job.pk
    assert turns.must_pause(newer)  # the older one has begun, too
    leases.pause(newer, "others wait.")
    again = leases.claim_next()
    assert again and again.pk == job.pk
    assert not turns.must_pause(again)


def test_a_job_of_high_priority_is_not_paused_for_one_of_its_owner_with_less() -> None:
    job = at_work("a", priority=1)
    make_job(turn="a")
    assert not turns.must_pause(job)
    make_job(turn="a", priority=1)
    assert turns.must_pause(job)


def test_a_job_that_is_cancelled_when_its_turn_ends_is_cancelled() -> None:
    job = at_work("a")
    transitions.cancel(job)
    leases.pause(job, "others wait.")
    job.refresh_from_db()
    assert job.state == State.CANCELLED
