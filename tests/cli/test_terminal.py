"""Tests of quantctl on a terminal: progress bars and the chat line.
Usage: test_terminal.py PATH_OF_QUANTCTL [unittest arguments]."""
import os
import re
import sys
import time
import unittest

sys.dont_write_bytecode = True   # The sources stay as they are.
import cli_support
from cli_support import MODEL, CliCase, Terminal, model_folder


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


class ChatLine(CliCase):
    def chat(self, *args):
        terminal = Terminal(self, 'run', MODEL, '--seed', '5', *args)
        return terminal, terminal.wait_for('>>> ')

    def test_it_answers_clears_helps_and_leaves(self):
        terminal, at = self.chat('--max-tokens', '6')
        at = terminal.ask('In the', 'generated', at)
        at = terminal.ask('/help', '/clear', at)
        at = terminal.ask('/clear', 'Begun anew', at)
        terminal.send('/bye\n')
        self.assertEqual(terminal.finish(), 0)

    def test_ctrl_d_leaves(self):
        terminal, _ = self.chat()
        terminal.send('\x04')
        self.assertEqual(terminal.finish(), 0)

    def test_ctrl_d_typed_before_the_prompt_leaves_too(self):
        terminal = Terminal(self, 'run', MODEL, '--seed', '5')
        terminal.send('\x04')
        self.assertEqual(terminal.finish(), 0)

    def test_ctrl_c_at_the_line_leaves_at_the_second_time(self):
        terminal, at = self.chat()
        terminal.send('half a li\x03')
        at = terminal.wait_for('Ctrl-C again', at)
        terminal.wait_for('>>> ', at)
        terminal.send('\x03')
        self.assertEqual(terminal.finish(), 130)

    def test_ctrl_c_stops_an_answer_and_the_chat_goes_on(self):
        terminal, at = self.chat('--max-tokens', '480')
        terminal.send('In the\n')
        at = terminal.wait_for('\n', at)
        time.sleep(0.05)
        terminal.send('\x03')
        at = terminal.wait_for('>>> ', at)
        terminal.send('/bye\n')
        self.assertEqual(terminal.finish(), 0)

    def test_a_full_context_does_not_end_the_chat(self):
        terminal, at = self.chat('--ctx', '12', '--max-tokens', '2')
        at = terminal.ask('word ' * 20, 'does not fit', at)
        at = terminal.ask('In', 'generated', at)
        terminal.send('/bye\n')
        self.assertEqual(terminal.finish(), 0)

if __name__ == '__main__':
    cli_support.QUANTCTL = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
