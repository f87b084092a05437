"""What went wrong: a status, and the library's sentence about it."""
from enum import IntEnum

from . import _native as n


class Status(IntEnum):
    """What became of a call: the names of quant_status without QUANT_ERR_."""
    OK = n.QUANT_OK
    ARGUMENT = n.QUANT_ERR_ARGUMENT
    NOT_FOUND = n.QUANT_ERR_NOT_FOUND
    IO = n.QUANT_ERR_IO
    FORMAT = n.QUANT_ERR_FORMAT
    TRUNCATED = n.QUANT_ERR_TRUNCATED
    LIMIT = n.QUANT_ERR_LIMIT
    UNSUPPORTED = n.QUANT_ERR_UNSUPPORTED
    MODEL = n.QUANT_ERR_MODEL
    TOKENIZER = n.QUANT_ERR_TOKENIZER
    TEMPLATE = n.QUANT_ERR_TEMPLATE
    NO_SPACE = n.QUANT_ERR_NO_SPACE
    NO_MEMORY = n.QUANT_ERR_NO_MEMORY
    PERMISSION = n.QUANT_ERR_PERMISSION
    CANCELLED = n.QUANT_ERR_CANCELLED
    EXISTS = n.QUANT_ERR_EXISTS
    BUSY = n.QUANT_ERR_BUSY
    CATALOG = n.QUANT_ERR_CATALOG
    VERIFY = n.QUANT_ERR_VERIFY
    INTERNAL = n.QUANT_ERR_INTERNAL
    UNAVAILABLE = n.QUANT_ERR_UNAVAILABLE


class QuantError(Exception):
    """A call of the library failed. `status` is a Status, or a plain int that only a newer library knows; the text is the
    library's sentence, which names the file, tensor or key and what was expected."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.message = message
        self.status = Status(status) if status in Status._value2member_map_ else status

    def __reduce__(self):
        return QuantError, (int(self.status), self.message)

    def __str__(self):
        return '%s (%s)' % (self.message, getattr(self.status, 'name', self.status))


class ClosedError(ValueError):
    """A handle was used after it was closed."""
