"""Owners of the library's handles.

A handle is released when it is closed, or collected. Closing while another thread is inside a call marks it closed, and
the last call out releases it, so that no call ever sees freed memory. Handles that the library gives to one thread at a
time refuse a second one at once rather than wait for it: a callback that uses its own session would wait for ever.
"""
import threading
import weakref
from contextlib import contextmanager

from .errors import ClosedError


class Owner:
    """A pointer, who uses it, and how it is released."""

    def __init__(self, pointer, release, exclusive):
        self._pointer, self._release, self._exclusive = pointer, release, exclusive
        self._users, self._closed, self._lock = 0, False, threading.Lock()

    @property
    def closed(self):
        return self._closed

    @contextmanager
    def used(self, what):
        with self._lock:
            if self._closed:
                raise ClosedError('the %s is closed' % what)
            if self._exclusive and self._users:
                raise RuntimeError('the %s is in use: it takes one call at a time' % what)
            self._users += 1
        try:
            yield self._pointer
        finally:
            with self._lock:
                self._users -= 1
                release = self._closed and self._users == 0
            if release:
                self._release(self._pointer)

    def close(self):
        with self._lock:
            release = not self._closed and self._users == 0
            self._closed = True
        if release:
            self._release(self._pointer)


class Handle:
    """Base of what is opened: close it, or use it in a `with` statement. Collected, it closes itself."""

    def __init__(self, pointer, release, exclusive=False):
        self._owner = Owner(pointer, release, exclusive)
        weakref.finalize(self, self._owner.close)

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._owner.closed

    def close(self) -> None:
        """Release it; again is fine. A call that runs in another thread ends first, without being waited for."""
        self._owner.close()

    def _used(self):
        return self._owner.used(type(self).__name__.lower())

    def __enter__(self):
        with self._used():
            return self

    def __exit__(self, *_):
        self.close()
