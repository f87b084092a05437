"""Measuring what quantization cost, and how fast a model runs here."""
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Optional, Union

from . import _native as n
from ._callback import Callbacks, OnProgress
from ._library import c_string, lib, options, result, text_bytes
from .encoding import encoding_id
from .model import Activations, Model


class Measured(SimpleNamespace):
    """A result, with the fields of the C struct of the same call: quant_eval_result or quant_bench_result."""


def evaluate(model: Model, text: Union[str, bytes, None] = None, *, base: Optional[Model] = None, context_length: int = 0,
             chunks: int = 0, activations: Activations = Activations.INT8, base_logits=None, save_logits=None,
             key_type: str = 'F32', value_type: str = 'F32', progress: Optional[OnProgress] = None) -> Measured:
    """Perplexity of a text, and with a base the divergence from it: ppl, ppl_se, kld_mean, kld_p99, top1 and more.

    context_length  Tokens a chunk; 0: 512, or the model's own where shorter. chunks: at most so many; 0: all.
    base_logits     A file of log-probabilities in place of a base; save_logits writes one.
    Values against a base are NaN where there was none.
    """
    given, callbacks, made = options(n.quant_eval_options, lib.quant_eval_options_init), Callbacks(), result(n.quant_eval_result)
    data = None if text is None else text_bytes(text)
    given.text, given.text_bytes, given.context_length, given.chunks = data, len(data or b''), context_length, chunks
    given.activations, given.progress = activations, callbacks.progress(progress)
    given.base_logits, given.save_logits = c_string(base_logits, 'base_logits'), c_string(save_logits, 'save_logits')
    given.key_type, given.value_type = encoding_id(key_type), encoding_id(value_type)
    with model._used() as used, (base._used() if base else nullcontext()) as reference:
        callbacks.check(lib.quant_evaluate(used, reference, given, made))
    measured = _measured(made)
    measured.activations = Activations(measured.activations)
    measured._struct = made  # What Catalog.record() hands on.
    return measured


def bench(model: Model, *, prompt_tokens: int = 256, decode_tokens: int = 32, rounds: int = 3, sequences: int = 1,
          progress: Optional[OnProgress] = None) -> Measured:
    """Time the model: prefill_per_second, decode_per_second and more, medians of the rounds."""
    given, callbacks, made = options(n.quant_bench_options, lib.quant_bench_options_init), Callbacks(), result(n.quant_bench_result)
    given.prompt_tokens, given.decode_tokens, given.rounds, given.sequences = prompt_tokens, decode_tokens, rounds, sequences
    given.progress = callbacks.progress(progress)
    with model._used() as used:
        callbacks.check(lib.quant_bench(used, given, made))
    return _measured(made)


def _measured(struct):
    values = {name: getattr(struct, name) for name, *_ in struct._fields_ if name != 'size'}
    return Measured(**{name: value.decode() if isinstance(value, bytes) else value for name, value in values.items()})
