"""Quantizing a model: a plan (which tensor becomes what), then its execution."""
import ctypes
import json
from typing import Dict, List, NamedTuple, Optional, Tuple, Union

from . import _native as n
from ._callback import Callbacks, OnProgress
from ._handle import Handle
from ._library import c_string, check, lib, name_of, options, result, taken, text_bytes
from .encoding import Method
from .model import _path_of


class TypeMix(NamedTuple):
    """A name users know, and the rule that gives each tensor its encoding."""
    name: str
    summary: str
    encoding: int
    bits_per_weight: float


class PlanTensor(NamedTuple):
    """What becomes of a tensor; the errors are -1 until the plan has run."""
    name: str
    source_name: str
    source_type: str
    shape: Tuple[int, ...]
    encoding: int
    fallback: bool
    method: Method
    bytes: int
    rmse: float
    relative: float


class PlanSummary(NamedTuple):
    """Sums over a plan."""
    type: str
    tensors: int
    parameters: int
    source_bytes: int
    output_bytes: int
    bits_per_weight: float
    fallbacks: int
    requantizes: bool
    predicted_kld: float


def types() -> List[TypeMix]:
    """All type mixes, smallest first."""
    found = []
    for index in range(lib.quant_type_count()):
        info = result(n.quant_type_info)
        check(lib.quant_type_get(index, info))
        found.append(TypeMix(name_of(info.name), name_of(info.summary), info.encoding, info.bits_per_weight))
    return found


class Plan(Handle):
    """What becomes of every tensor of one model; it takes one call at a time."""

    def __init__(self, source, type: Optional[str] = None, *, document: Union[str, dict, None] = None,
                 method: Method = Method.DEFAULT, overrides: Optional[Dict[str, str]] = None, importance_path=None,
                 moments_path=None, calibration_text: Union[str, bytes, None] = None, calibration_tokens: int = 0):
        """Read the source's headers and decide; nothing is written.

        source     A path, or a name of the catalog.
        type       Of types(), or a plan document of search_plan() instead.
        overrides  Regular expression of tensor names to the name of an encoding; the first that matches wins.
        importance_path, moments_path, calibration_text  Statistics, as the method needs them.
        """
        given, out = options(n.quant_quantize_options, lib.quant_quantize_options_init), ctypes.c_void_p()
        given.type, given.method = c_string(type, 'type'), method
        given.plan_json = c_string(json.dumps(document) if isinstance(document, dict) else document, 'document')
        rules = [(c_string(pattern, 'pattern'), c_string(name, 'encoding')) for pattern, name in (overrides or {}).items()]
        array = (n.quant_override * len(rules))(*(n.quant_override(*rule) for rule in rules))
        given.overrides, given.override_count = array if rules else None, len(rules)
        given.importance_path, given.moments_path = c_string(importance_path, 'importance_path'), c_string(moments_path, 'moments_path')
        data = None if calibration_text is None else text_bytes(calibration_text)
        given.calibration_text, given.calibration_bytes, given.calibration_tokens = data, len(data or b''), calibration_tokens
        check(lib.quant_plan_new(ctypes.byref(out), _path_of(source), given))
        super().__init__(out, lib.quant_plan_free, exclusive=True)

    @property
    def summary(self) -> PlanSummary:
        """Its sums, such as the exact size of the file to be."""
        got = result(n.quant_plan_summary)
        with self._used() as plan:
            check(lib.quant_plan_get_summary(plan, got))
            values = {name: getattr(got, name) for name in PlanSummary._fields}
        return PlanSummary(**{**values, 'type': name_of(values['type']), 'requantizes': bool(got.requantizes)})

    @property
    def tensors(self) -> List[PlanTensor]:
        """Its tensors, in the order of the output."""
        count = self.summary.tensors
        with self._used() as plan:
            return [_tensor(plan, index) for index in range(count)]

    def run(self, output, progress: Optional[OnProgress] = None) -> None:
        """Write the GGUF file, which appears complete or not at all; an existing one is replaced at the end."""
        callbacks = Callbacks()
        with self._used() as plan:
            callbacks.check(lib.quant_plan_run(plan, c_string(output, 'output'), callbacks.progress(progress), None))


def _tensor(plan, index):
    got = result(n.quant_plan_tensor)
    check(lib.quant_plan_get_tensor(plan, index, got))
    return PlanTensor(name_of(got.name), name_of(got.source_name), name_of(got.source_type), tuple(got.shape[:got.dims]), got.encoding,
                      bool(got.fallback), Method(got.method), got.bytes, got.rmse, got.relative)


def quantize(source, output, type: str, *, progress: Optional[OnProgress] = None, **settings) -> PlanSummary:
    """Plan and run in one: Plan(source, type, ...).run(output, progress)."""
    with Plan(source, type, **settings) as plan:
        plan.run(output, progress)
        return plan.summary


def search_plan(source, text: Union[str, bytes], *, file_bytes: int = 0, bits_per_weight: float = 0, max_kld: float = 0,
                method: Method = Method.DEFAULT, tokens: int = 4096, progress: Optional[OnProgress] = None) -> dict:
    """Choose the encoding of every matrix for the least divergence within one target; a document for Plan."""
    given, callbacks, out, data = options(n.quant_target, lib.quant_target_init), Callbacks(), ctypes.c_void_p(), text_bytes(text)
    given.file_bytes, given.bits_per_weight, given.max_kld, given.method = file_bytes, bits_per_weight, max_kld, method
    given.text, given.text_bytes, given.tokens, given.progress = data, len(data), tokens, callbacks.progress(progress)
    try:
        callbacks.check(lib.quant_plan_search(_path_of(source), given, ctypes.byref(out)))
    except BaseException:
        taken(out)
        raise
    return json.loads(taken(out))
