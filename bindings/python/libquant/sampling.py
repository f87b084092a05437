"""How the next token is chosen, and what a generation took."""
import ctypes
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import Dict, NamedTuple

from . import _native as n
from ._library import lib, options


class Stop(IntEnum):
    """Why a generation ended."""
    END = n.QUANT_STOP_END          #: The model said so.
    LENGTH = n.QUANT_STOP_LENGTH    #: max_tokens reached.
    CONTEXT = n.QUANT_STOP_CONTEXT  #: The context is full.
    CALLER = n.QUANT_STOP_CALLER    #: The callback asked.
    TEXT = n.QUANT_STOP_TEXT        #: A stop string came.


@dataclass(frozen=True)
class Sampling:
    """The steps are, in this order: logit_bias, repeat, presence and frequency penalties, top_k, typical_p, top_p, min_p,
    temperature, a draw. With temperature 0 the likeliest token is taken. include/quant/session.h has the ranges."""
    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    repeat_last_n: int = 64
    seed: int = 0                 #: The same seed gives the same text; 0: a random one.
    typical_p: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    penalize_prompt: bool = True
    mirostat: int = 0
    mirostat_tau: float = 5.0
    mirostat_eta: float = 0.1
    logit_bias: Dict[int, float] = field(default_factory=dict)  #: Token to what is added; -100 forbids it.

    def _struct(self):
        made = options(n.quant_sampling, lib.quant_sampling_init)
        for each in fields(self):
            if each.name != 'logit_bias':
                setattr(made, each.name, getattr(self, each.name))
        biases = (n.quant_logit_bias * len(self.logit_bias))(*self.logit_bias.items())
        made.logit_bias, made.logit_bias_count = biases if len(biases) else None, len(biases)
        return made


#: Always the likeliest token.
GREEDY = Sampling(temperature=0.0)


class Generated(NamedTuple):
    """What a generation made and took."""
    text: str
    stop: Stop
    prompt_tokens: int     #: Of the prompt, those kept from before included.
    cached_tokens: int     #: Of them, those that had not to be run again.
    generated_tokens: int
    prefill_seconds: float
    decode_seconds: float
    seed: int              #: That was used.
    drafted_tokens: int
    accepted_tokens: int
