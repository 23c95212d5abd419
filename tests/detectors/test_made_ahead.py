"""What is made ahead comes in order, never far ahead, with its errors, and its thread ends with whoever waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from detectors.made_ahead import made_ahead


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    until = time.monotonic() + 10
    while threading.active_count() > before:
        assert time.monotonic() < until, "a thread goes on"
        time.sleep(0.01)


@pytest.mark.parametrize("count", [0, 1, 3, 20])
def test_everything_comes_in_order(count: int) -> None:
    assert list(made_ahead(range(count), lambda task: task * task)) == [task * task for task in range(count)]


def test_it_is_made_in_a_thread_of_its_own_and_no_more_than_three_ahead() -> None:
    made: list[int] = []
    threads: set[int] = set()

    def make(task: int) -> int:
        made.append(task)
        threads.add(threading.get_ident())
        return task

    running = made_ahead(range(50), make)
    assert made == [], "nothing begins before it is asked for"
    for wanted in range(5):
        assert next(running) == wanted
        until = time.monotonic() + 30
        while len(made) < wanted + 5 and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.05)
        assert len(made) == wanted + 5, "three lie ready and one waits to be put there"
    assert threads == {thread for thread in threads if thread != threading.get_ident()}
    running.close()  # type: ignore[attr-defined]
    assert len(made) < 12


def test_an_error_comes_after_what_was_made_before_it_and_ends_everything() -> None:
    def make(task: int) -> int:
        if task == 4:
            raise OSError("the disk is gone")
        return task

    running = made_ahead(range(9), make)
    assert [next(running) for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(OSError, match="the disk is gone"):
        next(running)


def test_an_error_of_the_tasks_themselves_comes_too() -> None:
    def tasks() -> Iterator[int]:
        yield 1
        raise ValueError("no more is known")

    running = made_ahead(tasks(), lambda task: task)
    assert next(running) == 1
    with pytest.raises(ValueError, match="no more is known"):
        next(running)


def test_a_keyboard_interrupt_in_the_thread_is_one_here() -> None:
    def make(task: int) -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(made_ahead(range(3), make))


def test_whoever_leaves_early_ends_the_thread() -> None:
    before = threading.active_count()
    running = made_ahead(range(10**9), lambda task: task)
    assert next(running) == 0
    assert threading.active_count() == before + 1
    running.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_an_error_of_whoever_takes_ends_the_thread() -> None:
    before = threading.active_count()
    with pytest.raises(RuntimeError):
        take_two(made_ahead(range(10**9), lambda task: task))
    assert threading.active_count() == before


def take_two(running: Iterator[int]) -> None:
    try:
        assert [next(running), next(running)] == [0, 1]
        raise RuntimeError
    finally:
        running.close()  # type: ignore[attr-defined]
