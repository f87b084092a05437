"""Encodings: how blocks of weights are stored, and buffers to and from them."""
import ctypes
import math
from enum import IntEnum
from typing import List, NamedTuple, Optional, Union

from . import _native as n
from ._buffer import Buffer, floats
from ._callback import Callbacks, OnProgress
from ._library import c_string, check, lib, name_of, options, result


class Method(IntEnum):
    """How codes and scales are chosen."""
    DEFAULT = n.QUANT_METHOD_DEFAULT        #: IMPORTANCE where importance is given, else SEARCH.
    ROUND = n.QUANT_METHOD_ROUND            #: Scales from the extremes, codes to nearest. Fastest.
    SEARCH = n.QUANT_METHOD_SEARCH          #: The least squared error.
    IMPORTANCE = n.QUANT_METHOD_IMPORTANCE  #: The same, weighted, by a longer search.
    FEEDBACK = n.QUANT_METHOD_FEEDBACK      #: Error feedback; of models only, needs statistics.
    BEST = n.QUANT_METHOD_BEST              #: For each matrix what does best; of models only, needs statistics.


class Encoding(NamedTuple):
    """What an encoding is."""
    id: int
    name: str
    family: str
    summary: str
    block_weights: int
    block_bytes: int
    bits_per_weight: float


def encodings() -> List[Encoding]:
    """All encodings, in the table's order."""
    return [_described(index) for index in range(lib.quant_encoding_count())]


def _described(index):
    info = result(n.quant_encoding_info)
    check(lib.quant_encoding_get(index, info))
    return Encoding(info.id, name_of(info.name), name_of(info.family), name_of(info.summary), info.block_weights,
                    info.block_bytes, info.bits_per_weight)


def find_encoding(name: str) -> Encoding:
    """The encoding of that name, in any case of letters."""
    number = encoding_id(name)
    return next(each for each in encodings() if each.id == number)


def encoding_id(encoding: Union[str, int, Encoding]) -> int:
    """The number of an encoding, which is what GGUF files have."""
    if isinstance(encoding, str):
        found = ctypes.c_int()
        check(lib.quant_encoding_find(c_string(encoding, 'encoding'), ctypes.byref(found)))
        return found.value
    return encoding.id if isinstance(encoding, Encoding) else int(encoding)


def encoded_size(encoding: Union[str, int, Encoding], rows: int, cols: int) -> int:
    """Bytes of rows x cols weights."""
    size = ctypes.c_uint64()
    check(lib.quant_encoded_size(encoding_id(encoding), _count(rows, 'rows'), _count(cols, 'cols'), ctypes.byref(size)))
    return size.value


def encode(encoding: Union[str, int, Encoding], weights, rows: Optional[int] = None, cols: Optional[int] = None, *,
           method: Method = Method.DEFAULT, importance=None, progress: Optional[OnProgress] = None, out=None):
    """Encode float32 weights, row-major, without copying them.

    `weights` is anything with the buffer protocol: a numpy array, array.array('f'), bytes of float32. Its own shape is
    taken where rows and cols are not given, a flat one as one row. `importance` has cols values. `out`, a writable
    buffer of encoded_size() bytes, is filled and returned; without it a new bytearray is.
    Blocks until done; other threads run meanwhile.
    """
    with floats(weights, 'weights') as given:
        rows, cols = given.shaped(rows, cols)
        number, size = encoding_id(encoding), encoded_size(encoding, rows, cols)
        given.expect(rows * cols * 4)
        made = bytearray(size) if out is None else out
        settings, callbacks = options(n.quant_encode_options, lib.quant_encode_options_init), Callbacks()
        settings.method, settings.progress = method, callbacks.progress(progress)
        with Buffer(made, 'out', writable=True) as target:
            target.expect(size)
            if importance is None:
                callbacks.check(lib.quant_encode(number, given.address, rows, cols, settings, target.address, size))
            else:
                with floats(importance, 'importance') as weighed:
                    weighed.expect(cols * 4)
                    settings.importance = weighed.address
                    callbacks.check(lib.quant_encode(number, given.address, rows, cols, settings, target.address, size))
        return made


def decode(encoding: Union[str, int, Encoding], data, rows: int, cols: int, *, out=None):
    """Decode to float32, row-major. `out`, a writable buffer of rows x cols floats, is filled and returned; without it a
    numpy array of that shape where numpy is installed, else a flat array.array('f')."""
    number, size = encoding_id(encoding), encoded_size(encoding, rows, cols)
    with Buffer(data, 'data') as given:
        given.expect(size)
        made = new_floats(rows, cols) if out is None else out
        with floats(made, 'out', writable=True) as target:
            target.expect(rows * cols * 4)
            check(lib.quant_decode(number, given.address, size, rows, cols, target.address))
        return made


def new_floats(*shape):
    """Zeros: a numpy array where numpy is installed, else a flat array.array('f')."""
    try:
        import numpy
        return numpy.zeros(shape, numpy.float32)
    except ImportError:
        import array
        return array.array('f', bytes(4 * math.prod(shape)))


def _count(value, what):
    if not 0 <= value < 1 << 64:
        raise ValueError('%s: expected a count, found %r' % (what, value))
    return value
