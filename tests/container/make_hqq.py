"""Make tests/data/container/hqq.safetensors: small matrices in each of HQQ's packings, along both axes, as hqq's linear
saves them, and what it dequantizes them to. Needs hqq (0.2.8 made what is there), torch and safetensors.
Usage: make_hqq.py FILE"""
import sys

import torch
from hqq.core.quantize import BaseQuantizeConfig, HQQLinear
from safetensors.torch import save_file

ROWS, COLUMNS = 16, 64

torch.manual_seed(7)
tensors = {}
for bits in (8, 4, 3, 2, 1):
    for axis in (1, 0):
        for dtype, group in ((torch.float16, 64), (torch.bfloat16, 32)):
            linear = torch.nn.Linear(COLUMNS, ROWS, bias=False)
            config = BaseQuantizeConfig(nbits=bits, group_size=group, axis=axis, view_as_float=bits == 4 and group == 32)
            made = HQQLinear(linear, config, compute_dtype=dtype, device='cpu')
            name = 'q%d_axis%d_g%d' % (bits, axis, group)
            for key, value in made.state_dict().items():
                tensors['%s.%s' % (name, key)] = value.contiguous()
            tensors[name + '.expected'] = made.dequantize().contiguous()
save_file(tensors, sys.argv[1])
