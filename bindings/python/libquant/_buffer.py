"""Memory of the caller's own arrays, borrowed for a call through the buffer protocol."""
import ctypes


class _PyBuffer(ctypes.Structure):
    """Py_buffer of CPython's stable ABI, as far as it is read here."""
    _fields_ = [('buf', ctypes.c_void_p), ('obj', ctypes.c_void_p), ('len', ctypes.c_ssize_t), ('itemsize', ctypes.c_ssize_t),
                ('readonly', ctypes.c_int), ('ndim', ctypes.c_int), ('format', ctypes.c_char_p), ('shape', ctypes.c_void_p),
                ('strides', ctypes.c_void_p), ('suboffsets', ctypes.c_void_p), ('internal', ctypes.c_void_p)]


_get = ctypes.pythonapi.PyObject_GetBuffer
_get.argtypes, _get.restype = [ctypes.py_object, ctypes.POINTER(_PyBuffer), ctypes.c_int], ctypes.c_int
_release = ctypes.pythonapi.PyBuffer_Release
_release.argtypes, _release.restype = [ctypes.POINTER(_PyBuffer)], None
_SIMPLE, _WRITABLE = 0, 1


class Buffer:
    """The contiguous memory of an object, held while in a `with` statement; nothing is copied, also not of read-only
    objects, whose address ctypes alone does not tell."""

    def __init__(self, of, what, writable=False):
        self._of, self._what, self._writable, self._held = of, what, writable, _PyBuffer()
        self.shape = ()

    def __enter__(self):
        try:
            _get(self._of, self._held, _WRITABLE if self._writable else _SIMPLE)
        except ValueError as error:  # numpy's word for it.
            raise BufferError('%s: %s' % (self._what, error)) from None
        self.address, self.bytes = self._held.buf, self._held.len
        return self

    def __exit__(self, *_):
        _release(self._held)

    def expect(self, count):
        if self.bytes != count:
            raise ValueError('%s: expected %d bytes, found %d' % (self._what, count, self.bytes))

    def shaped(self, rows, cols):
        """Rows and cols as given, else as the object's shape has them."""
        shape = self.shape or (self.bytes // 4,)
        if cols is None:
            cols = shape[-1] if rows is None else (self.bytes // 4) // rows if rows else 0
        if rows is None:
            rows = (self.bytes // 4) // cols if cols else 0
        if rows < 0 or cols < 0:
            raise ValueError('%s: expected counts, found %d rows and %d columns' % (self._what, rows, cols))
        return rows, cols


def floats(of, what, writable=False):
    """A Buffer of float32: of an object whose format says so, or of plain bytes."""
    with memoryview(of) as view:
        if view.format not in ('f', '<f', '=f', 'B', 'b', 'c'):
            raise TypeError('%s: expected float32, found items of format %r' % (what, view.format))
        buffer = Buffer(of, what, writable)
        buffer.shape = view.shape if view.format.endswith('f') else ()
    return buffer
