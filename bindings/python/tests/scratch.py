"""What the tests share: the small model, a scratch home with its Q8_0, and the process's own measurements."""
import atexit
import os
import pathlib
import shutil
import tempfile

import libquant

ROOT = pathlib.Path(__file__).resolve().parents[3]
BASE = pathlib.Path(os.environ.get('QUANT_SHARE', ROOT / 'share')) / 'models' / 'kjv-5m'
CASES = pathlib.Path(os.environ.get('QUANT_CONFORMANCE', ROOT / 'bindings/conformance/cases.json'))
HOME = pathlib.Path(tempfile.mkdtemp(prefix='libquant-python-'))
PSALM = 'The LORD is my shepherd;'
os.environ['QUANT_HOME'] = str(HOME)
atexit.register(shutil.rmtree, HOME, True)


def q8():
    """The path of the small model as Q8_0, made once by the package itself."""
    path = HOME / 'q8.gguf'
    if not path.exists():
        libquant.quantize(BASE, path, 'Q8_0', method=libquant.Method.ROUND)
    return path


def resident():
    """Bytes of memory, and open descriptors."""
    pages = int(pathlib.Path('/proc/self/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE'), len(os.listdir('/proc/self/fd'))
