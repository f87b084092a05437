"""Adapters (LoRA): small trained changes of a model, attached to sessions without touching its weights."""
import ctypes
from contextlib import ExitStack
from typing import NamedTuple, Sequence, Tuple, Union

from . import _native as n
from ._handle import Handle
from ._library import c_string, check, lib, name_of, result
from .model import Model


class AdapterInfo(NamedTuple):
    """What an adapter is."""
    path: str
    is_gguf: bool
    rank: int        #: The largest of its factors.
    matrices: int    #: Of the model, that it changes.
    parameters: int


class Adapter(Handle):
    """An adapter of one model, which any threads may share. Sessions that run with it keep it alive."""

    def __init__(self, model: Model, path):
        """Open a PEFT folder or a GGUF adapter for a model."""
        out = ctypes.c_void_p()
        with model._used() as used:
            check(lib.quant_adapter_open(ctypes.byref(out), used, c_string(path, 'path')))
        super().__init__(out, lib.quant_adapter_free)

    @property
    def info(self) -> AdapterInfo:
        """What it is."""
        with self._used() as adapter:
            found = result(n.quant_adapter_info)
            check(lib.quant_adapter_get_info(adapter, found))
            return AdapterInfo(name_of(found.path), bool(found.is_gguf), found.rank, found.matrices, found.parameters)


#: An adapter, or one with a scale of -1000 to 1000 beside its own (1).
Attached = Union[Adapter, Tuple[Adapter, float]]


def attach(session, adapters: Sequence[Attached]) -> None:
    """Have the library's session run with these, none of which is closed meanwhile."""
    pairs = [given if isinstance(given, tuple) else (given, 1.0) for given in adapters]
    with ExitStack() as held:
        uses = (n.quant_adapter_use * len(pairs))()
        for use, (adapter, scale) in zip(uses, pairs):
            use.adapter, use.scale = held.enter_context(adapter._used()), scale
        check(lib.quant_session_set_adapters(session, uses, len(pairs)))
