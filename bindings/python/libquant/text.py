"""Tokenizers and chat templates."""
import ctypes
import json
from typing import Any, List, Optional, Sequence, Union

from . import _native as n
from ._handle import Handle
from ._library import c_string, check, lib, options, taken, text_bytes


class Tokenizer(Handle):
    """A tokenizer; any threads may use it at the same time."""
    _model: Any  # Whose it is, where it is borrowed.

    def __init__(self, path):
        """Open that of a GGUF file, a tokenizer.json, or a folder that holds one."""
        out = ctypes.c_void_p()
        check(lib.quant_tokenizer_open(ctypes.byref(out), c_string(path, 'path')))
        super().__init__(out, lib.quant_tokenizer_free)

    @classmethod
    def _borrowed(cls, model):
        """A model's own, which ends with the model."""
        tokenizer = cls.__new__(cls)
        tokenizer._owner, tokenizer._model = None, model
        return tokenizer

    def _used(self):
        return super()._used() if self._owner else self._model._tokenizer_used()

    @property
    def closed(self) -> bool:
        return super().closed if self._owner else self._model.closed

    def close(self) -> None:
        """Release it; a model's own goes with the model alone."""
        if self._owner:
            super().close()

    def __len__(self):
        """How many ids it has."""
        with self._used() as tokenizer:
            return lib.quant_tokenizer_size(tokenizer)

    def tokenize(self, text: Union[str, bytes], *, add_special: bool = True, parse_special: bool = True) -> List[int]:
        """Text, or any bytes, to token ids. `add_special` adds the BOS and EOS tokens that the model wants;
        `parse_special` makes special tokens written in the text their ids."""
        data = text_bytes(text)
        flags = n.QUANT_TEXT_ADD_SPECIAL * bool(add_special) | n.QUANT_TEXT_PARSE_SPECIAL * bool(parse_special)
        count, room = ctypes.c_size_t(), len(data) + 16
        with self._used() as tokenizer:
            while True:
                ids = (ctypes.c_int32 * room)()
                status = lib.quant_tokenize(tokenizer, data, len(data), flags, ids, room, ctypes.byref(count))
                if status != n.QUANT_ERR_LIMIT or count.value <= room:
                    break
                room = count.value
        check(status)
        return ids[:count.value]

    def detokenize_bytes(self, ids: Sequence[int], *, skip_special: bool = False) -> bytes:
        """Token ids to bytes, which may end within a character."""
        given, out, count = ids_array(ids), ctypes.c_void_p(), ctypes.c_size_t()
        with self._used() as tokenizer:
            check(lib.quant_detokenize(tokenizer, given, len(given), n.QUANT_TEXT_SKIP_SPECIAL * bool(skip_special),
                                       ctypes.byref(out), ctypes.byref(count)))
        return taken(out, count.value)

    def detokenize(self, ids: Sequence[int], *, skip_special: bool = False) -> str:
        """Token ids to text; bytes that are no UTF-8 become U+FFFD (detokenize_bytes() has them)."""
        return self.detokenize_bytes(ids, skip_special=skip_special).decode('utf-8', 'replace')


def ids_array(ids):
    """Ids for the library; one that fits into no int32 is told here, where ctypes would cut it."""
    given = list(ids)
    for each in given:
        if not -1 << 31 <= each < 1 << 31:
            raise ValueError('token %d: expected a number of 32 bits' % each)
    return (ctypes.c_int32 * len(given))(*given)


def render_options(messages, tools, add_generation_prompt, variables, now, bos_token=None, eos_token=None):
    made = options(n.quant_render_options, lib.quant_render_options_init)
    made.messages_json = json.dumps(messages).encode()
    made.tools_json = None if tools is None else json.dumps(tools).encode()
    made.variables_json = None if variables is None else json.dumps(variables).encode()
    made.add_generation_prompt = bool(add_generation_prompt)
    made.now, made.bos_token, made.eos_token = c_string(now, 'now'), c_string(bos_token, 'bos_token'), c_string(eos_token, 'eos_token')
    return made


def render_template(template: str, messages: Sequence[Any], *, add_generation_prompt: bool = True,
                    tools: Optional[Sequence[Any]] = None, variables: Optional[dict] = None, bos_token: Optional[str] = None,
                    eos_token: Optional[str] = None, now: Optional[str] = None, name: str = 'template') -> str:
    """Render a chat template (Jinja). `messages` are dicts of role and content; `name` is what errors call the template."""
    source, out = text_bytes(template), ctypes.c_void_p()
    given = render_options(messages, tools, add_generation_prompt, variables, now, bos_token, eos_token)
    check(lib.quant_template_render(source, len(source), c_string(name, 'name'), given, ctypes.byref(out)))
    return taken(out).decode('utf-8', 'replace')
