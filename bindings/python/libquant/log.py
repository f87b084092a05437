"""Where the library's log lines go."""
import ctypes
from enum import IntEnum
from typing import Callable, Optional

from . import _native as n
from ._library import lib


class LogLevel(IntEnum):
    """How serious a line is."""
    DEBUG = n.QUANT_LOG_DEBUG
    INFO = n.QUANT_LOG_INFO
    WARNING = n.QUANT_LOG_WARNING
    ERROR = n.QUANT_LOG_ERROR


_loggers = [n.quant_log_fn()]  # Kept for ever: a thread may be about to call one that was replaced.


def set_logger(logger: Optional[Callable[[LogLevel, str], None]]) -> None:
    """Send log lines there; None: nowhere. Called from any thread; what it raises goes to sys.unraisablehook."""
    def call(_, level, text):
        logger(LogLevel(level), ctypes.string_at(text).decode('utf-8', 'replace'))
    if logger is None:
        lib.quant_set_logger(_loggers[0], None)
        return
    _loggers.append(n.quant_log_fn(call))
    lib.quant_set_logger(_loggers[-1], None)
