"""Which work is accepted: counts, waits, deadlines, and what is learnt about the pace."""

import time

import pytest

from framing.errors import DeadlineTooShort, Overloaded
from serving.admission import Admission

MILLISECOND = 1e-3


def made(seconds_an_article: float = MILLISECOND, *, most_calls: int = 10, most_wait: float = 1.0) -> Admission:
    """Return an admission that knows how long an article of no text takes."""
    admission = Admission(most_calls=most_calls, most_wait=most_wait, most_bytes=4000)
    admission.learn(seconds_an_article / 1000)
    return admission


def test_before_anything_is_known_any_deadline_will_do() -> None:
    Admission(most_calls=1, most_wait=1.0, most_bytes=1000).check(1000, 1_000_000, 1e-9)


def test_work_of_its_own_that_takes_too_long_is_told_apart_from_that_of_others() -> None:
    admission = made()
    admission.check(1, 0, 2 * MILLISECOND)
    with pytest.raises(DeadlineTooShort):
        admission.check(1, 0, MILLISECOND / 2)
    with pytest.raises(DeadlineTooShort):
        admission.check(100, 0, 50 * MILLISECOND)
    with admission.work(1, 0), admission.work(1, 0):
        admission.check(1, 0, 4 * MILLISECOND)
        with pytest.raises(Overloaded):
            admission.check(1, 0, 2.5 * MILLISECOND)
    admission.check(1, 0, 2.5 * MILLISECOND)


def test_a_long_batch_delays_others_by_one_article_only() -> None:
    admission = made()
    with admission.work(1000, 0):
        admission.check(1, 0, 3 * MILLISECOND)


def test_long_texts_take_longer_but_not_longer_than_they_may() -> None:
    admission = made()
    with pytest.raises(DeadlineTooShort):
        admission.check(1, 4000, 4 * MILLISECOND)
    admission.check(1, 10_000_000, 6 * MILLISECOND)


def test_calls_and_waits_have_a_bound_and_say_when_to_come_back() -> None:
    admission = made(0.4, most_calls=3)
    with admission.work(1, 0), admission.work(1, 0):
        admission.check(1, 0, None)
        with admission.work(1, 0), pytest.raises(Overloaded) as caught:
            admission.check(1, 0, None)
    assert caught.value.retry_seconds == pytest.approx(1.2)
    slow = made(0.6)
    with slow.work(1, 0), slow.work(1, 0), pytest.raises(Overloaded):
        slow.check(1, 0, None)


def test_the_pace_is_learnt_from_calls_that_end() -> None:
    admission = made(10.0)
    for _ in range(100):
        with admission.work(1, 0):
            time.sleep(0.0005)
    admission.check(1, 0, 0.5)
    with pytest.raises(ZeroDivisionError), admission.work(1, 0):
        raise ZeroDivisionError
    assert admission.waiting == 0


def test_a_pace_learnt_wrong_does_not_lock_the_door_for_good() -> None:
    admission = made(100.0)
    refused = 0
    for _ in range(1000):
        try:
            admission.check(1, 0, 1.0)
            break
        except DeadlineTooShort:
            refused += 1
    assert 10 < refused < 500
