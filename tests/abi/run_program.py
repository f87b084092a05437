#!/usr/bin/env python3
"""Runs a program of an earlier version in a folder of its own.

    run_program.py PROGRAM MODEL
"""
import os
import subprocess
import sys
import tempfile

with tempfile.TemporaryDirectory() as folder:
    sys.exit(subprocess.run([sys.argv[1], sys.argv[2], folder],
                            env={**os.environ, 'QUANT_HOME': os.path.join(folder, 'home')}).returncode)
