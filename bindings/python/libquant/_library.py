"""Finds and loads libquant.so.0, and calls it.

Looked for are, in this order: the file that LIBQUANT_LIBRARY names, a libquant.so.0 beside this package, and what the
system's loader finds under that name. A LIBQUANT_LIBRARY that cannot be loaded is an error: nothing else is tried.
"""
import ctypes
import os
import pathlib

from . import _native as n
from .errors import QuantError

SONAME = 'libquant.so.0'


def _candidates():
    named = os.environ.get('LIBQUANT_LIBRARY')
    if named:
        return [named]
    beside = pathlib.Path(__file__).resolve().parent / SONAME
    return ([str(beside)] if beside.exists() else []) + [SONAME]


def _load():
    problems = []
    for path in _candidates():
        try:
            library = ctypes.CDLL(path)
            break
        except OSError as error:
            problems.append('%s: %s' % (path, error))
    else:
        raise ImportError('libquant cannot be loaded (LIBQUANT_LIBRARY may name it): ' + '; '.join(problems))
    for name, (result, parameters) in n.FUNCTIONS.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise ImportError('%s has no %s: it is older than this package' % (path, name)) from None
        function.restype, function.argtypes = result, parameters
    return library


lib = _load()


def check(status: int) -> None:
    """Raise QuantError with this thread's message unless the call went well."""
    if status:
        raise QuantError(status, lib.quant_error_message().decode('utf-8', 'replace'))


def options(struct, init):
    """A struct of options with the library's defaults."""
    made = struct()
    init(ctypes.byref(made), ctypes.sizeof(made))
    return made


def result(struct):
    """A struct for the library to fill, which says its size."""
    return struct(size=ctypes.sizeof(struct))


def c_string(text, what='text'):
    """Bytes of a NUL-terminated parameter; None stays None. NUL inside would cut it, so it is refused."""
    if text is None:
        return None
    data = text if isinstance(text, bytes) else os.fsencode(text)
    if b'\0' in data:
        raise ValueError('%s holds a NUL character: %r' % (what, text))
    return data


def text_bytes(text):
    """Bytes of a text that has its length with it."""
    return text.encode('utf-8', 'surrogateescape') if isinstance(text, str) else bytes(text)


def taken(pointer: ctypes.c_void_p, count=None):
    """The bytes of a string that the library handed over, which is released; None for NULL."""
    if not pointer.value:
        return None
    try:
        return ctypes.string_at(pointer.value, -1 if count is None else count)
    finally:
        lib.quant_string_free(pointer)


def name_of(data):
    """Names and paths that the library gives; what is no UTF-8 in them survives the way back."""
    return None if data is None else os.fsdecode(data)
