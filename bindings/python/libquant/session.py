"""Sessions: one sequence of tokens being run, and text generation on it."""
import ctypes
import queue
import threading
from typing import Any, Callable, Iterator, Optional, Sequence, Union

from . import _native as n
from ._callback import Callbacks, OnProgress, Progress, exiting, exits
from ._handle import Handle
from ._library import check, lib, options, result, text_bytes
from .adapter import Attached, attach
from .encoding import encoding_id, new_floats
from .model import Activations, Model
from .sampling import Generated, Sampling, Stop
from .text import ids_array


class Session(Handle):
    """A sequence and its keys and values. It takes one call at a time; a second one at the same time is a RuntimeError."""

    def __init__(self, model: Model, *, context_length: int = 0, activations: Activations = Activations.INT8,
                 key_type: str = 'F16', value_type: str = 'F16', draft_model: Optional[Model] = None, lookup: bool = False,
                 draft_tokens: int = 4):
        """Begin an empty sequence, which keeps the model alive.

        context_length  Tokens it can hold; 0: the model's own length.
        key_type, value_type  F32, F16, BF16, Q8_0 or Q4_0.
        draft_model     A smaller model of the same vocabulary that guesses ahead; lookup guesses from the text itself.
        """
        given, out = options(n.quant_session_options, lib.quant_session_options_init), ctypes.c_void_p()
        given.context_length, given.activations, given.lookup = context_length, activations, bool(lookup)
        given.key_type, given.value_type, given.draft_tokens = encoding_id(key_type), encoding_id(value_type), draft_tokens
        vocabulary_size = model.info.vocabulary_size
        with model._used() as used:
            if draft_model is None:
                check(lib.quant_session_new(ctypes.byref(out), used, given))
            else:
                with draft_model._used() as draft:
                    given.draft_model = draft
                    check(lib.quant_session_new(ctypes.byref(out), used, given))
        self._begun(out, vocabulary_size)

    def _begun(self, out, vocabulary_size):
        super().__init__(out, lib.quant_session_free, exclusive=True)
        self._vocabulary_size = vocabulary_size

    def fork(self, length: Optional[int] = None) -> 'Session':
        """A session that goes on from the first `length` tokens of this one (all: None), whose memory both share."""
        made, out = Session.__new__(Session), ctypes.c_void_p()
        with self._used() as session:
            length = lib.quant_session_length(session) if length is None else length
            check(lib.quant_session_fork(ctypes.byref(out), session, _uint32(length, 'length')))
        made._begun(out, self._vocabulary_size)
        return made

    def __len__(self):
        """Tokens in the sequence."""
        with self._used() as session:
            return lib.quant_session_length(session)

    def __bool__(self):
        return True  # Also with no tokens yet.

    @property
    def capacity(self) -> int:
        """Tokens it can hold."""
        with self._used() as session:
            return lib.quant_session_capacity(session)

    def truncate(self, length: int) -> None:
        """Forget all tokens from `length` on."""
        with self._used() as session:
            check(lib.quant_session_truncate(session, _uint32(length, 'length')))

    def set_adapters(self, *adapters: Attached) -> None:
        """Run with these adapters from now on, in place of those before; none: with the model alone. Each is an Adapter of
        the model, or one with its scale. Where they are not the same as before, all tokens are forgotten."""
        with self._used() as session:
            attach(session, adapters)

    def run(self, ids: Sequence[int], *, all_logits: bool = False) -> Any:
        """Append tokens, run the model on them, and give the last one's logits: vocabulary_size floats; with `all_logits`
        a row of them for each token."""
        given = ids_array(ids)
        made = new_floats(*((len(given), self._vocabulary_size) if all_logits else (self._vocabulary_size,)))
        address = made.ctypes.data if hasattr(made, 'ctypes') else made.buffer_info()[0]
        with self._used() as session:
            check(lib.quant_session_run(session, given, len(given), *((address, None) if all_logits else (None, address))))
        return made

    def generate(self, prompt: Union[str, bytes], *, max_tokens: int = 0, sampling: Optional[Sampling] = None,
                 on_text: Optional[Callable[[str], Any]] = None, on_prefill: Optional[OnProgress] = None, whole: bool = False,
                 add_special: bool = True, parse_special: bool = True) -> Generated:
        """Run the prompt and generate text after it.

        max_tokens  0: until the model ends or the context is full.
        sampling    None: Sampling(); GREEDY takes the likeliest.
        on_text     Called with each piece of text, whole characters; False stops. What it raises comes out of here.
        whole       The prompt is the whole sequence, of which the session keeps what it has in common already, as a chat
                    that is rendered anew each turn; else it is appended.
        """
        data, callbacks, pieces = text_bytes(prompt), Callbacks(), []

        def keep(piece):
            pieces.append(piece)
            return on_text(piece) if on_text else None

        given, made = options(n.quant_generate_options, lib.quant_generate_options_init), result(n.quant_generate_result)
        chosen = (sampling or Sampling())._struct()
        given.prompt, given.prompt_bytes, given.max_tokens, given.whole = data, len(data), _uint32(max_tokens, 'max_tokens'), bool(whole)
        given.text_flags = n.QUANT_TEXT_ADD_SPECIAL * bool(add_special) | n.QUANT_TEXT_PARSE_SPECIAL * bool(parse_special)
        given.sampling = ctypes.pointer(chosen)
        given.on_text, given.on_prefill = callbacks.text(keep), callbacks.progress(on_prefill)
        with self._used() as session:
            callbacks.check(lib.quant_generate(session, given, made))
        return Generated(''.join(pieces), Stop(made.stop), *(getattr(made, name) for name in Generated._fields[2:]))

    def stream(self, prompt: Union[str, bytes], **settings) -> Iterator[str]:
        """Pieces of text as they are made, with generate()'s settings. Leaving the loop stops the generation.

        The model runs in a thread of this iterator, at most sixteen pieces ahead; no other call may use the session
        before the iterator has ended or was closed. on_prefill is called in that thread.
        """
        if 'on_text' in settings:
            raise TypeError('stream() gives the text itself: on_text is for generate()')
        return self._pieces(prompt, settings.pop('on_prefill', None), settings)

    def _pieces(self, prompt, on_prefill, settings):
        pieces: queue.Queue = queue.Queue(16)
        left = threading.Event()

        def put(item):
            while not left.is_set() and not exiting():
                try:
                    pieces.put(item, timeout=0.1)
                    return True
                except queue.Full:
                    continue
            return False

        def prefilled(at: Progress):
            return False if left.is_set() else on_prefill(at) if on_prefill else None

        def work():
            try:
                self.generate(prompt, on_text=lambda piece: put((piece, None)), on_prefill=prefilled, **settings)
                put((None, None))
            except BaseException as error:  # Raised again where the iterator is read.
                put((None, error))

        thread = threading.Thread(target=work, name='libquant-stream', daemon=True)
        thread.start()
        try:
            while True:
                piece, error = pieces.get()
                if error is not None:
                    raise error
                if piece is None:
                    return
                yield piece
        finally:
            left.set()
            if not exits():
                thread.join()


def _uint32(value, what):
    if not 0 <= value < 1 << 32:
        raise ValueError('%s: expected a count of 32 bits, found %r' % (what, value))
    return value
