"""libquant for Python: quantize models, keep them in a catalog, run and measure them.

    import libquant
    with libquant.Model('kjv-5m') as model, model.session() as session:
        for piece in session.stream('In the beginning', max_tokens=32):
            print(piece, end='', flush=True)
"""
from ._callback import Progress
from ._library import lib as _lib
from .adapter import Adapter, AdapterInfo
from .catalog import Catalog, Resolved, Variant
from .embedding import Embedding, Pooling
from .encoding import Encoding, Method, decode, encode, encoded_size, encodings, find_encoding
from .errors import ClosedError, QuantError, Status
from .evaluate import Measured, bench, evaluate
from .log import LogLevel, set_logger
from .model import Activations, Model, ModelInfo
from .quantize import Plan, PlanSummary, PlanTensor, TypeMix, quantize, search_plan, types
from .sampling import GREEDY, Generated, Sampling, Stop
from .session import Session
from .text import Tokenizer, render_template

__all__ = [name for name in dir() if not name.startswith('_') and name[0].isupper()] + [
    'bench', 'decode', 'encode', 'encoded_size', 'encodings', 'evaluate', 'find_encoding', 'quantize', 'render_template',
    'search_plan', 'set_logger', 'types', 'version']


def version() -> str:
    """The library's version, "MAJOR.MINOR.PATCH"."""
    return _lib.quant_version().decode()
