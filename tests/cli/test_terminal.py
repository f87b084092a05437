"""Tests of quantctl on a terminal: progress bars.
Usage: test_terminal.py PATH_OF_QUANTCTL [unittest arguments]."""
import os
import re
import sys
import unittest

sys.dont_write_bytecode = True   # The sources stay as they are.
import cli_support
from cli_support import CliCase, Terminal, model_folder


class ProgressBars(CliCase):
    def frames(self, columns):
        terminal = Terminal(self, 'eval', model_folder(), '--text', os.path.join(model_folder(), 'heldout.txt'),
                            '--ctx', '64', '--chunks', '60', on=(2,), columns=columns)
        out = terminal.process.stdout.read()
        self.assertEqual(terminal.finish(), 0)
        pieces = re.split(r'[\r\n]+', terminal.seen.decode())
        return out, [p for p in pieces if p.startswith('evaluating')], terminal.seen.decode()

    def test_it_fits_the_terminal_never_goes_back_and_is_erased(self):
        for columns in (30, 60, 120):
            out, frames, all_seen = self.frames(columns)
            self.assertTrue(frames)
            self.assertNotIn(b'\r', out)
            for frame in frames:
                self.assertLess(len(frame.rstrip()), columns)
            percents = [int(re.search(r'(\d+) %', f).group(1)) for f in frames if '%' in f]
            self.assertEqual(percents, sorted(percents))
            last = all_seen.rindex('evaluating')
            self.assertRegex(all_seen[last:], r'\r +\r')

    def test_a_wide_terminal_shows_eta_and_running_values(self):
        _, frames, _ = self.frames(160)
        self.assertTrue(any('ETA ' in f for f in frames), frames[-3:])
        self.assertTrue(any('PPL' in f for f in frames), frames[-3:])
        self.assertTrue(any('=' in f and '[' in f for f in frames))


if __name__ == '__main__':
    cli_support.QUANTCTL = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
