"""How alike texts are: embed_texts.py MODEL TEXT TEXT ..."""
import sys

from libquant import Model

with Model(sys.argv[1]) as model:
    first, *others = model.embed(sys.argv[2:])
    for text, other in zip(sys.argv[3:], others):
        print('%.3f  %s' % (sum(a * b for a, b in zip(first.values, other.values)), text))
