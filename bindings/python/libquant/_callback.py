"""Callbacks into Python. What they raise cancels the call, and comes out of it as it was raised.

A call that takes long gets a callback even where the caller wants none: that is where Python sees Ctrl-C.
"""
import ctypes
import sys
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
        owner = getattr(unraisable.object, 'libquant_callbacks', None)
        if owner is None:
            before(unraisable)
        elif owner.error is None:
            owner.error = unraisable.exc_value
    sys.unraisablehook = hook


_catch_signals()


class Callbacks:
    """The callbacks of one call, and what one of them raised."""

    def __init__(self):
        self.error = None

    def _ask(self, function, *arguments):
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
        call.libquant_callbacks = self
        return n.quant_progress_fn(call)

    def text(self, function):
        def call(_, text, count):
            if function is None:
                return self._ask(lambda: None)
            return self._ask(lambda: function(ctypes.string_at(text, count).decode('utf-8', 'replace')))
        call.libquant_callbacks = self
        return n.quant_text_fn(call)

    def check(self, status):
        """Raise what a callback raised, else what the status says."""
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        check(status)
