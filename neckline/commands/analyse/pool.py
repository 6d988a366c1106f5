"""Many recordings → each judged, in processes of their own, in the order given; Ctrl-C stops all of them.

A process that is lost (the computer may end one that takes too much memory) costs nothing: what it had to do is done
here instead.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.synchronize import Event as Flag

from neckline.commands.analyse.judging import Analysed, judge
from neckline.commands.analyse.sides import Side
from neckline.commands.output import say
from neckline.wearing.memory import Memory
from sensor.recording import AnyRecording

_stop: Flag | None = None
"""In a process of the pool: set when it is to stop."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Who is told how far it is."""

    heard: Callable[[AnyRecording, float], None]
    """Seconds of a recording that have been heard; from this process alone."""
    done: Callable[[AnyRecording], None]


def analyse_all(
    recordings: Sequence[AnyRecording], sides: Sequence[Side], memory: Memory, jobs: int, progress: Progress
) -> Iterator[Analysed]:
    """Yield what each recording comes to, in order."""
    if min(jobs, len(recordings)) < 2:
        yield from (_here(recording, sides, memory, progress) for recording in recordings)
        return
    # Not forked: this process has threads, of the progress bar.
    context = get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(min(jobs, len(recordings)), context, _begin, (stop,))
    try:
        with _ctrl_c_waits():
            futures = [pool.submit(_there, recording, sides, memory) for recording in recordings]
        for recording, future in zip(recordings, futures, strict=True):
            future.add_done_callback(lambda of, it=recording: _when_done(of, it, progress))  # type: ignore[misc]
        is_lost = False
        for recording, future in zip(recordings, futures, strict=True):
            try:
                analysed = future.result()
            except BrokenProcessPool:
                analysed = None
                if not is_lost:
                    say("neckline: warning: a process was lost (out of memory?); this one goes on by itself")
                is_lost = True
            yield analysed or _here(recording, sides, memory, progress)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _here(recording: AnyRecording, sides: Sequence[Side], memory: Memory, progress: Progress) -> Analysed:
    def heard(seconds: float) -> bool:
        progress.heard(recording, seconds)
        return True

    analysed = judge(recording, sides, memory, heard)
    progress.done(recording)
    assert analysed is not None  # noqa: S101 (nobody said to stop)
    return analysed


def _there(recording: AnyRecording, sides: Sequence[Side], memory: Memory) -> Analysed | None:
    return judge(recording, sides, memory, lambda _: _stop is None or not _stop.is_set())


@contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Hold back Ctrl-C while processes are started: they take this over, and would hear it while they import."""
    if not hasattr(signal, "pthread_sigmask"):
        yield  # Windows has no signals to hold back; a process says there that it was interrupted.
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(stop: Flag) -> None:
    """Begin a process of the pool: the first process alone hears Ctrl-C, and nobody outlives it."""
    global _stop  # noqa: PLW0603 (a flag cannot be sent along with a task)
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_go_with_parent, daemon=True).start()


def _go_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _when_done(future: Future[Analysed | None], recording: AnyRecording, progress: Progress) -> None:
    if not future.cancelled() and future.exception() is None:
        progress.done(recording)
