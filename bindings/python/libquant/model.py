"""Models: open a file or the daemon's, and what can be asked of them."""
import ctypes
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Any, List, NamedTuple, Optional, Sequence, Union

from . import _native as n
from ._callback import Callbacks, OnProgress
from ._handle import Handle
from ._library import c_string, check, lib, name_of, options, result, taken
from .catalog import Catalog
from .embedding import Embedding, Pooling, embed
from .text import Tokenizer, render_options

if TYPE_CHECKING:
    from .session import Session


class Activations(IntEnum):
    """What activations are rounded to before a product with quantized weights."""
    F32 = n.QUANT_ACTIVATIONS_F32    #: Not at all.
    INT8 = n.QUANT_ACTIVATIONS_INT8  #: To 8 bits, as CPU runtimes of GGUF files do.


class ModelInfo(NamedTuple):
    """What a model is."""
    name: str
    architecture: str
    type_name: str
    parameters: int
    file_bytes: int
    bits_per_weight: float
    context_length: int
    vocabulary_size: int
    embedding_length: int
    layers: int
    heads: int
    kv_heads: int
    has_chat_template: bool
    kv_bytes_per_token: int
    generates: bool
    pooling: Pooling
    embedding_context_length: int


class Model(Handle):
    """An open model, which any threads may share. Sessions keep it alive."""

    def __init__(self, name, *, prefault: bool = False, numa: Optional[str] = None, pack_cache: Optional[str] = None,
                 progress: Optional[OnProgress] = None):
        """Open the GGUF file or Hugging Face folder at a path, or a model by its name in the catalog ("kjv-5m:Q4_K_M").

        prefault    Read all of the files now, with progress, so that the first prompt does not wait for the disk.
        numa        "auto", "shard", "mirror", "node=N" or "off"; settled by the first model of the process.
        pack_cache  "off", "on" or a size such as "8G": keep weights as this CPU reads them in files.
        """
        path, out, callbacks = _path_of(name), ctypes.c_void_p(), Callbacks()
        given = options(n.quant_open_options, lib.quant_open_options_init)
        given.flags = n.QUANT_OPEN_PREFAULT * bool(prefault)
        given.numa, given.pack_cache = c_string(numa, 'numa'), c_string(pack_cache, 'pack_cache')
        given.progress = callbacks.progress(progress)
        self._adopt(out, callbacks, lib.quant_model_open(ctypes.byref(out), path, given))

    @classmethod
    def open_shared(cls, name: str, *, socket: Optional[str] = None, verify: bool = False, timeout: float = 0,
                    progress: Optional[OnProgress] = None) -> 'Model':
        """Borrow a model of the daemon's catalog: its weights are the daemon's memory, mapped read-only.

        socket   The daemon's; None: $QUANT_SOCKET, else where the daemon listens by default.
        verify   Compare the weights with their checksums first, which reads all of them.
        timeout  Seconds for the daemon's answer; 0: 300.
        """
        model, out, callbacks = cls.__new__(cls), ctypes.c_void_p(), Callbacks()
        given = options(n.quant_shared_options, lib.quant_shared_options_init)
        given.flags, given.timeout_seconds = n.QUANT_SHARED_VERIFY * bool(verify), timeout
        given.socket, given.progress = c_string(socket, 'socket'), callbacks.progress(progress)
        model._adopt(out, callbacks, lib.quant_model_open_shared(ctypes.byref(out), c_string(name, 'name'), given))
        return model

    def _adopt(self, out, callbacks, status):
        try:
            callbacks.check(status)
        except BaseException:
            lib.quant_model_free(out)
            raise
        super().__init__(out, lib.quant_model_free)

    @property
    def info(self) -> ModelInfo:
        """What it is: names, counts and sizes."""
        got = result(n.quant_model_info)
        with self._used() as model:
            check(lib.quant_model_get_info(model, got))
            values = {field: getattr(got, field) for field in ModelInfo._fields}
            for field in ('name', 'architecture', 'type_name'):
                values[field] = name_of(values[field])
        return ModelInfo(**{**values, 'has_chat_template': bool(got.has_chat_template), 'generates': bool(got.generates),
                            'pooling': Pooling(got.pooling)})

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer, which can be used until the model is closed."""
        with self._used():
            return Tokenizer._borrowed(self)

    @contextmanager
    def _tokenizer_used(self):
        with self._used() as model:
            tokenizer = lib.quant_model_tokenizer(model)
            if not tokenizer:
                check(n.QUANT_ERR_TOKENIZER)
            yield tokenizer

    def tokenize(self, text: Union[str, bytes], *, add_special: bool = True, parse_special: bool = True) -> List[int]:
        """As Tokenizer.tokenize()."""
        return self.tokenizer.tokenize(text, add_special=add_special, parse_special=parse_special)

    def detokenize(self, ids: Sequence[int], *, skip_special: bool = False) -> str:
        """As Tokenizer.detokenize()."""
        return self.tokenizer.detokenize(ids, skip_special=skip_special)

    def render_chat(self, messages: Sequence[Any], *, add_generation_prompt: bool = True, tools: Optional[Sequence[Any]] = None,
                    variables: Optional[dict] = None, now: Optional[str] = None) -> str:
        """Render the model's own chat template; Status.NOT_FOUND if it has none."""
        given, out = render_options(messages, tools, add_generation_prompt, variables, now), ctypes.c_void_p()
        with self._used() as model:
            check(lib.quant_model_render_chat(model, given, ctypes.byref(out)))
        return taken(out).decode('utf-8', 'replace')

    def embed(self, texts: Sequence[Union[str, bytes, Sequence[int]]], *, pooling: Pooling = Pooling.DEFAULT,
              normalize: bool = True, dimensions: int = 0, truncate: bool = False,
              progress: Optional[OnProgress] = None) -> List[Embedding]:
        """Embed texts, or lists of token ids; many together are faster than one by one.

        normalize   Embeddings have length 1, so that their product is the cosine.
        dimensions  Only so many are kept, for models trained so; 0: all.
        truncate    A text that is too long loses its end; else it is an error.
        """
        with self._used() as model:
            return embed(model, texts, pooling, normalize, dimensions, truncate, progress)

    def session(self, **settings) -> 'Session':
        """Begin an empty sequence: Session(self, ...)."""
        from .session import Session
        return Session(self, **settings)


def _path_of(name):
    """What the user calls a model becomes the path of its file, by way of the catalog where it is no path."""
    import os
    data = c_string(name, 'name')
    if not data or os.path.exists(data) or isinstance(name, os.PathLike) or data.startswith((b'/', b'.')):
        return data
    with Catalog() as catalog:
        return os.fsencode(catalog.resolve(name).path)
