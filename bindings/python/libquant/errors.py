"""What went wrong: a status, and the library's sentence about it."""
from enum import IntEnum

from . import _native as n

Status = IntEnum('Status', {name.replace('QUANT_ERR_', '').replace('QUANT_', ''): value for name, value in vars(n).items()
                            if name == 'QUANT_OK' or name.startswith('QUANT_ERR_')}, module=__name__)
Status.__doc__ = 'What became of a call: the names of quant_status without QUANT_ERR_.'


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
