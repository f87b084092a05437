"""The catalog: models and their variants on this machine, each with its recipe and its measured loss."""
import ctypes
import json
from typing import List, NamedTuple, Optional

from . import _native as n
from ._callback import Callbacks, OnProgress
from ._handle import Handle
from ._library import c_string, check, lib, name_of, result, taken


class Resolved(NamedTuple):
    """What a user meant."""
    path: str
    name: Optional[str]  #: "model:variant", or None for a path the catalog does not know.


class Variant(NamedTuple):
    """A variant; numbers that were not measured are NaN."""
    name: str
    model: str
    variant: str
    architecture: str
    base: str
    path: str
    file_missing: bool
    parameters: int
    bytes: int
    bits_per_weight: float
    ppl: float
    ppl_se: float
    kld_mean: float
    kld_se: float
    top1: float
    decode_per_second: float
    prefill_per_second: float


class Catalog(Handle):
    """An open catalog. It takes one call at a time; open another for another thread."""

    def __init__(self, path=None):
        """Open the file, making it where it does not exist; None: the user's own."""
        out = ctypes.c_void_p()
        check(lib.quant_catalog_open(ctypes.byref(out), c_string(path, 'path')))
        super().__init__(out, lib.quant_catalog_free, exclusive=True)

    def resolve(self, text) -> Resolved:
        """Find a path, "model:variant", "model", or a model shipped with the library."""
        path, name = ctypes.c_void_p(), ctypes.c_void_p()
        with self._used() as catalog:
            check(lib.quant_catalog_resolve(catalog, c_string(text, 'name'), ctypes.byref(path), ctypes.byref(name)))
        return Resolved(name_of(taken(path)), name_of(taken(name)))

    def variants(self, filter: Optional[str] = None) -> List[Variant]:
        """All variants, or those of "model" or "model:variant", with their latest measurements."""
        out = ctypes.c_void_p()
        with self._used() as catalog:
            check(lib.quant_catalog_list(catalog, c_string(filter, 'filter'), ctypes.byref(out)))
        try:
            return [_variant(out, index) for index in range(lib.quant_variant_list_count(out))]
        finally:
            lib.quant_variant_list_free(out)

    def show(self, name: str) -> dict:
        """All that is known of a variant: recipe, measurements, speeds, files, provenance."""
        return json.loads(self._string(lib.quant_catalog_show, c_string(name, 'name')))

    def show_model(self, name: str) -> dict:
        """A model with all its variants."""
        return json.loads(self._string(lib.quant_catalog_show_model, c_string(name, 'name')))

    def base(self, name: str) -> str:
        """The name of the variant that this one was made from."""
        return name_of(self._string(lib.quant_catalog_base, c_string(name, 'name')))

    def output_path(self, source: str, type: str) -> str:
        """Where a variant of a source that is about to be made belongs."""
        return name_of(self._string(lib.quant_catalog_output_path, c_string(source, 'source'), c_string(type, 'type')))

    def import_model(self, path, name: Optional[str] = None, *, progress: Optional[OnProgress] = None) -> str:
        """Record a file or folder where it is; gives its name."""
        return self._recorded(lib.quant_catalog_import, progress, c_string(path, 'path'), c_string(name, 'name'))

    def add_variant(self, source: str, plan, output, *, name: Optional[str] = None, progress: Optional[OnProgress] = None) -> str:
        """Record the file that a plan has made as a variant of its source; gives its name, which is the source's with the
        plan's type unless `name` is given."""
        with plan._used() as used:
            tail = (c_string(source, 'source'), used, c_string(output, 'output'))
            if name is None:
                return self._recorded(lib.quant_catalog_add_variant, progress, *tail)
            return self._recorded(lib.quant_catalog_add_named_variant, progress, c_string(name, 'name'), *tail)

    def copy(self, source: str, name: str) -> str:
        """Give a variant a second name."""
        return name_of(self._string(lib.quant_catalog_copy, c_string(source, 'source'), c_string(name, 'name')))

    def record(self, name: str, measured, *, base: Optional[str] = None, text_name: str) -> None:
        """Record what evaluate() measured of a variant."""
        with self._used() as catalog:
            check(lib.quant_catalog_record_eval(catalog, c_string(name, 'name'), c_string(base, 'base'),
                                                c_string(text_name, 'text_name'), measured._struct))

    def remove(self, name: str, *, keep_file: bool = False) -> int:
        """Remove a variant, or a model with all of them; files that the library made are deleted. Gives how many."""
        count = ctypes.c_uint32()
        with self._used() as catalog:
            check(lib.quant_catalog_remove(catalog, c_string(name, 'name'), n.QUANT_REMOVE_KEEP_FILE * bool(keep_file),
                                           ctypes.byref(count)))
        return count.value

    def _string(self, function, *arguments):
        out = ctypes.c_void_p()
        with self._used() as catalog:
            check(function(catalog, *arguments, ctypes.byref(out)))
        return taken(out)

    def _recorded(self, function, progress, *arguments):
        out, callbacks = ctypes.c_void_p(), Callbacks()
        with self._used() as catalog:
            status = function(catalog, *arguments, callbacks.progress(progress), None, ctypes.byref(out))
        name = name_of(taken(out))
        callbacks.check(status)
        return name


def _variant(variants, index):
    info = result(n.quant_variant_info)
    check(lib.quant_variant_list_get(variants, index, info))
    values = [getattr(info, name) for name in Variant._fields]
    values = [name_of(value) if isinstance(value, bytes) else value for value in values]
    return Variant(*values)._replace(file_missing=bool(info.file_missing))
