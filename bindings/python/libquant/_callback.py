"""Callbacks into Python. What they raise cancels the call, and comes out of it as it was raised.

A call that takes long gets a callback even where the caller wants none: that is where Python sees Ctrl-C, and where a
call of a daemon thread ends when the process does. Python takes such a thread away inside the callback otherwise, which
the library's frames around it do not survive.
"""
import atexit
import ctypes
import os
import sys
import threading
import time
import weakref
from typing import Callable, NamedTuple, Optional

from . import _native as n
from ._library import check


class Progress(NamedTuple):
    """Where a long operation stands."""
    stage: str       #: What is being done, such as a tensor's name.
    done: int        #: Units finished,
    total: int       #: of so many; 0 when not known.
    seconds: float   #: Since it began.
    detail: str      #: A running result worth showing, or ''.


#: Called now and then; False cancels with QuantError of status CANCELLED, anything else goes on.
OnProgress = Callable[[Progress], Optional[bool]]


def _catch_signals():
    """What a signal's handler raises (Ctrl-C) comes at the first instruction of a callback, before any `try` of it, and
    ctypes hands it to sys.unraisablehook: there it is given to the call that it belongs to."""
    before = sys.unraisablehook

    def hook(unraisable):
        owner = _owner(unraisable.exc_traceback)
        if owner is None:
            before(unraisable)
        elif owner.error is None:
            owner.error = unraisable.exc_value
    sys.unraisablehook = hook


def _owner(trace):
    """Whose callback that was, by its frame: from 3.13 on Python does not say which function failed."""
    found = trace.tb_frame.f_locals.get('self') if trace and trace.tb_frame.f_globals is globals() else None
    return found if isinstance(found, Callbacks) else None


_catch_signals()

EXIT_SECONDS = 10          # That the process waits for calls of daemon threads; a callback of theirs may never return.
_running: set = set()      # Weak references to the callbacks of calls; a plain set, which threads may copy at any time.
os.register_at_fork(after_in_child=_running.clear)
_exits_in: Optional[int] = None  # The thread in which the process ends.


def exiting() -> bool:
    """Whether the process ends, in another thread than this one."""
    return _exits_in is not None and _exits_in != threading.get_ident()


def exits() -> bool:
    """Whether the process ends; threads may be gone then without a word, and are not to be waited for."""
    return _exits_in is not None


@atexit.register
def _end_calls():
    """End the calls of daemon threads, which are all that run now besides this one."""
    global _exits_in
    _exits_in, last = threading.get_ident(), time.monotonic() + EXIT_SECONDS
    while any(_elsewhere(each()) for each in list(_running)) and time.monotonic() < last:
        time.sleep(0.002)


def _elsewhere(callbacks):
    return callbacks is not None and callbacks.thread != _exits_in


class Callbacks:
    """The callbacks of one call, and what one of them raised."""

    def __init__(self):
        self.error, self.thread = None, threading.get_ident()
        self._running = weakref.ref(self, _running.discard)
        _running.add(self._running)
        if exiting():
            raise SystemExit

    def _ask(self, function, *arguments):
        if _exits_in is not None and exiting() and self.error is None:
            self.error = SystemExit()  # Ends the thread without a word.
        if self.error is not None:
            return 1
        try:
            return 1 if function(*arguments) is False else 0
        except BaseException as error:  # KeyboardInterrupt as well: it belongs to who called.
            self.error = error
            return 1

    def progress(self, function: Optional[OnProgress]):
        def call(_, at):
            if function is None:
                return self._ask(lambda: None)
            at = at.contents
            return self._ask(function, Progress((at.stage or b'').decode('utf-8', 'replace'), at.done, at.total, at.seconds,
                                                (at.detail or b'').decode('utf-8', 'replace')))
        return n.quant_progress_fn(call)

    def text(self, function):
        def call(_, text, count):
            if function is None:
                return self._ask(lambda: None)
            return self._ask(lambda: function(ctypes.string_at(text, count).decode('utf-8', 'replace')))
        return n.quant_text_fn(call)

    def check(self, status):
        """Raise what a callback raised, else what the status says."""
        _running.discard(self._running)
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        check(status)
