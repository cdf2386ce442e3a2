"""Hashing passwords: slow by intent, so off the event loop, a few at a time, and with a bounded queue.

Without the bound, somebody who sends wrong passwords faster than they can be hashed would make everybody wait longer
and longer; with it they are told to come back, and pages of people who are signed in go on.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ..failures import TooMany

if TYPE_CHECKING:
    from argon2 import PasswordHasher

AT_ONCE = min(os.cpu_count() or 1, 4)  # 19 MiB each; their threads step back for the pages, see NICE
WAITING = 24  # one to two seconds of work
NICE = 10


class Hashing:
    """Hashes and verifies passwords with argon2id."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hash", initializer=_step_back)
        self._pending = 0

    def check_room(self) -> None:
        """Raises `TooMany` when the queue is full: before anything else is done for somebody who has to come back."""
        if self._pending >= AT_ONCE + WAITING:
            raise TooMany("Very many sign-ins arrive at the moment. Try again shortly.", retry_after=2)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        self.check_room()
        self._pending += 1
        try:
            yield
        finally:
            self._pending -= 1

    async def hash(self, password: str) -> str:
        """What is kept of a password. Raises `TooMany` when the queue is full."""
        async with self._turn():
            return await asyncio.get_running_loop().run_in_executor(self._threads, _hash, password)

    async def verify(self, hashed: str, password: str) -> bool:
        """Whether it is the password. Raises `TooMany` when the queue is full."""
        async with self._turn():
            return await asyncio.get_running_loop().run_in_executor(self._threads, _verify, hashed, password)


def _step_back() -> None:
    """Let the event loop's thread go first (Linux counts niceness per thread)."""
    if hasattr(os, "setpriority"):
        try:
            os.setpriority(os.PRIO_PROCESS, 0, NICE)
        except OSError:
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
