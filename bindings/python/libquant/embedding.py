"""Embeddings: texts as vectors, which lie close where texts mean alike."""
import array
import ctypes
from enum import IntEnum
from typing import Any, NamedTuple

from . import _native as n
from ._callback import Callbacks
from ._library import check, lib, options, result, text_bytes
from .encoding import new_floats
from .text import ids_array


class Pooling(IntEnum):
    """How the states of a text's tokens become its embedding."""
    DEFAULT = n.QUANT_POOLING_DEFAULT  #: As the model was trained.
    NONE = n.QUANT_POOLING_NONE        #: One embedding for each token.
    MEAN = n.QUANT_POOLING_MEAN
    LAST = n.QUANT_POOLING_LAST
    CLS = n.QUANT_POOLING_CLS


class Embedding(NamedTuple):
    """What a text became."""
    values: Any      #: float32: `dimensions` of them, or rows x dimensions with Pooling.NONE. numpy's, else array.array.
    rows: int
    dimensions: int
    tokens: int      #: That were read, special ones included.
    tokens_cut: int  #: That the text lost to truncate.


def embed(model, texts, pooling, normalize, dimensions, truncate, progress):
    if isinstance(texts, (str, bytes)):
        raise TypeError('texts: expected a list of texts, found one text')
    kept = [text_bytes(text) if isinstance(text, (str, bytes)) else ids_array(text) for text in texts]
    inputs = (n.quant_embedding_input * len(kept))(*(_input(each) for each in kept))
    given, callbacks, out = options(n.quant_embedding_options, lib.quant_embedding_options_init), Callbacks(), ctypes.c_void_p()
    given.pooling, given.normalize, given.dimensions, given.truncate = pooling, bool(normalize), dimensions, bool(truncate)
    given.progress = callbacks.progress(progress)
    try:
        callbacks.check(lib.quant_model_embed(ctypes.byref(out), model, inputs, len(kept), given))
        return [_taken(out, index) for index in range(len(kept))]
    finally:
        lib.quant_embeddings_free(out)


def _input(given):
    if isinstance(given, bytes):
        return n.quant_embedding_input(text=given, text_bytes=len(given))
    return n.quant_embedding_input(tokens=ctypes.addressof(given), token_count=len(given))


def _taken(embeddings, index):
    got = result(n.quant_embedding)
    check(lib.quant_embeddings_get(embeddings, index, got))
    values = new_floats(*((got.rows, got.dimensions) if got.rows > 1 else (got.dimensions,)))
    address = values.buffer_info()[0] if isinstance(values, array.array) else values.ctypes.data
    ctypes.memmove(address, got.values, 4 * got.rows * got.dimensions)
    return Embedding(values, got.rows, got.dimensions, got.tokens, got.tokens_cut)
