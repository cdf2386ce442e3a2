"""Hashing passwords: slow by intent, so off the event loop, a few at a time, and with a bounded queue.

Without the bound, somebody who sends wrong passwords faster than they can be hashed would make everybody wait longer
and longer; with it they are told to come back, and pages of people who are signed in go on. Those who are known (their
network, their session, the link they follow) have a queue of their own, which strangers cannot fill.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from ..failures import TooMany

if TYPE_CHECKING:
    from argon2 import PasswordHasher

AT_ONCE = min(os.cpu_count() or 1, 4)  # 19 MiB each; their threads step back for the pages, see NICE
WAITING = 24  # one to two seconds of work
NICE = 10
_MMAP_THRESHOLD = -3  # its number in glibc's malloc.h
T = TypeVar("T")


class _Queue:
    """Work for a few threads, and a bounded number who wait for them."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="hash", initializer=_step_back)
        self._most = threads + WAITING
        self._pending = 0

    def check_room(self) -> None:
        """Raises `TooMany` when the queue is full."""
        if self._pending >= self._most:
            raise TooMany("Very many sign-ins arrive at the moment. Try again shortly.", retry_after=2)

    async def run(self, work: Callable[..., T], *arguments: str) -> T:
        """What the work gives, once it had its turn. Raises `TooMany` when the queue is full."""
        self.check_room()
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        finally:
            self._pending -= 1


class Hashing:
    """Hashes and verifies passwords with argon2id."""

    def __init__(self) -> None:
        _return_memory()
        self._anybody, self._known = _Queue(AT_ONCE), _Queue(1)

    def check_room(self, known: bool) -> None:
        """Raises `TooMany` when the queue is full: before anything else is done for somebody who has to come back."""
        (self._known if known else self._anybody).check_room()

    async def hash(self, password: str) -> str:
        """What is kept of a password. Raises `TooMany` when the queue is full."""
        return await self._known.run(_hash, password)

    async def verify(self, hashed: str, password: str, known: bool) -> bool:
        """Whether it is the password. Raises `TooMany` when the queue is full."""
        return await (self._known if known else self._anybody).run(_verify, hashed, password)


def _step_back() -> None:
    """Let the event loop's thread go first (Linux counts niceness per thread)."""
    if hasattr(os, "setpriority"):
        try:
            os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) + NICE)  # 19 at most
        except OSError:
            return


def _return_memory() -> None:
    """Have what is larger than 1 MiB given back when it is freed: else glibc keeps 19 MiB for each of our threads."""
    try:
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, 2**20)
    except (OSError, TypeError, AttributeError):  # another C library
        return


def _hasher() -> PasswordHasher:
    # OWASP's profile: 70 ms and 19 MiB here, where the library's default takes 500 ms and 64 MiB
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def _hash(password: str) -> str:
    return _hasher().hash(password)


def _verify(hashed: str, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return bool(_hasher().verify(hashed, password))
    except (VerificationError, InvalidHashError):
        return False
