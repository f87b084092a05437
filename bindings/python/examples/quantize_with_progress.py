"""Quantize a model and record the variant: quantize_with_progress.py MODEL TYPE"""
import sys

from libquant import Catalog, Plan


def show(at):
    percent = 100 * at.done / at.total if at.total else 0
    print('\r%5.1f %%  %-40.40s' % (percent, at.stage), end='', file=sys.stderr)


source, type_name = sys.argv[1:]
with Catalog() as catalog, Plan(source, type_name) as plan:
    output = catalog.output_path(source, type_name)
    plan.run(output, show)
    print(file=sys.stderr)
    print('%s is in %s' % (catalog.add_variant(source, plan, output), output))
