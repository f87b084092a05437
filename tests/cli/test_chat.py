"""Tests of the chat line of quantctl run: keys, commands, turns of several lines, history.
Usage: test_chat.py PATH_OF_QUANTCTL [unittest arguments]."""
import json
import os
import stat
import sys
import time
import unittest

sys.dont_write_bytecode = True   # The sources stay as they are.
import cli_support
from cli_support import MODEL, CliCase, Terminal

UP, HOME, ALT_ENTER, CTRL_C, CTRL_D = '\x1b[A', '\x1b[H', '\x1b\r', '\x03', '\x04'
HISTORY = ('.local', 'state', 'libquant', 'history')


class ChatCase(CliCase):
    def chat(self, *args, env=None):
        terminal = Terminal(self, 'run', MODEL, '--seed', '5', *args, env=env)
        return terminal, terminal.wait_for('>>> ')

    def leave(self, terminal, keys='/bye\n', code=0):
        terminal.send(keys)
        self.assertEqual(terminal.finish(), code)

    def saved(self, terminal, at):
        """The turns, as /save writes them."""
        path = self.path('saved.json')
        terminal.ask('/save ' + path, 'Saved', at)
        with open(path, encoding='utf-8') as file:
            return [(m['role'], m['content']) for m in json.load(file)['messages']]

    def first_turn(self, *keys, args=('--max-tokens', '2'), env=None):
        """What the model got when `keys` were typed one after the other."""
        terminal, at = self.chat(*args, env=env)
        for key in keys:
            terminal.send(key)
        at = terminal.wait_for('>>> ', terminal.wait_for('generated', at))
        role, text = self.saved(terminal, at)[0]
        self.assertEqual(role, 'user')
        self.leave(terminal)
        return text

    def history(self):
        with open(self.path(*HISTORY), encoding='utf-8') as file:
            return file.read().split('\n')[:-1]


class Leaving(ChatCase):
    def test_bye_and_ctrl_d_leave(self):
        for keys in ('/bye\n', CTRL_D):
            with self.subTest(keys=keys):
                self.leave(self.chat()[0], keys)

    def test_ctrl_d_typed_before_the_prompt_leaves_too(self):
        terminal = Terminal(self, 'run', MODEL, '--seed', '5')
        terminal.send(CTRL_D)
        self.assertEqual(terminal.finish(), 0)

    def test_ctrl_c_at_an_empty_line_says_how_to_leave_however_often(self):
        terminal, at = self.chat()
        for _ in range(3):
            terminal.send(CTRL_C)
            at = terminal.wait_for('>>> ', terminal.wait_for('Ctrl-D or /bye', at))
        self.leave(terminal)

    def test_ctrl_c_drops_what_is_typed(self):
        terminal, at = self.chat()
        terminal.send('half a line')
        at = terminal.wait_for('half a line', at)    # The terminal forgets at Ctrl-C what was not read.
        terminal.send(CTRL_C)
        at = terminal.wait_for('>>> ', terminal.wait_for('\n', at))
        self.assertNotIn(b'leaves', terminal.seen[:at].split(b'Ctrl-D to leave')[1])
        self.leave(terminal, CTRL_D)           # The line is empty now.

    def test_ctrl_c_stops_an_answer_and_the_chat_goes_on(self):
        terminal, at = self.chat('--max-tokens', '480')
        terminal.send('In the\n')
        at = terminal.wait_for('\n', at)
        time.sleep(0.05)
        terminal.send(CTRL_C)
        terminal.wait_for('>>> ', at)
        self.leave(terminal)

    def test_a_signal_to_end_ends_it(self):
        terminal, _ = self.chat()
        terminal.process.terminate()
        self.assertEqual(terminal.finish(), 128 + 15)


class Lines(ChatCase):
    def test_a_block_in_marks_is_one_turn(self):
        self.assertEqual(self.first_turn('"""\n', 'In the\n', 'beginning\n', '"""\n'), 'In the\nbeginning')
        self.assertEqual(self.first_turn('"""In the"""\n'), 'In the')

    def test_ctrl_d_ends_a_block(self):
        self.assertEqual(self.first_turn('"""In the\n', 'beginning\n', CTRL_D), 'In the\nbeginning')

    def test_ctrl_c_drops_a_block(self):
        terminal, at = self.chat()
        terminal.send('"""one\n')
        at = terminal.wait_for('... ', at)
        terminal.send(CTRL_C)
        terminal.wait_for('>>> ', at)
        self.leave(terminal)

    def test_a_backslash_at_the_end_goes_on_and_two_do_not(self):
        self.assertEqual(self.first_turn('In the\\\n', 'beginning\n'), 'In the\nbeginning')
        self.assertEqual(self.first_turn('C:\\\\\n'), 'C:\\\\')

    def test_alt_enter_begins_a_line(self):
        self.assertEqual(self.first_turn('In the' + ALT_ENTER + 'beginning\n'), 'In the\nbeginning')

    def test_pasted_text_is_one_turn(self):
        self.assertEqual(self.first_turn('\x1b[200~one\rtwo\x07\n\tthree\n\x1b[201~', '\n'), 'one\ntwo\n\tthree')

    def test_keys_edit_characters_of_any_width(self):
        for env in ({}, {'LC_ALL': 'C'}):
            with self.subTest(env=env):
                text = self.first_turn('aß漢字é\x7f' + HOME + 'X\x06\x04\n', env=env)    # Backspace; Ctrl-F, Ctrl-D.
                self.assertEqual(text, 'Xa漢字')

    def test_ctrl_w_and_ctrl_u_delete_before_the_cursor(self):
        self.assertEqual(self.first_turn('one two\x17\n'), 'one ')
        self.assertEqual(self.first_turn('one two\x1b[D\x1b[D\x1b[D\x15\n'), 'two')

    def test_a_path_and_a_slash_behind_a_blank_are_text(self):
        self.assertEqual(self.first_turn('/etc/hosts is\n'), '/etc/hosts is')
        self.assertEqual(self.first_turn(' /bye\n'), ' /bye')


class History(ChatCase):
    def test_it_is_kept_for_the_next_time_and_mine_alone(self):
        self.first_turn('"""In the\n', 'begin\\ning"""\n')
        self.assertEqual(self.history()[0], '"""In the\\nbegin\\\\ning"""')
        path = self.path(*HISTORY)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(self.first_turn(UP + UP + UP, '\n'), 'In the\nbegin\\ning')    # Behind /save and /bye.

    def test_it_is_where_xdg_state_home_says(self):
        self.leave(self.chat(env={'XDG_STATE_HOME': self.path('state')})[0])
        self.assertEqual(self.read('state/libquant/history'), b'/bye\n')

    def test_several_programs_add_to_it(self):
        chats = [self.chat()[0] for _ in range(3)]
        for i in range(8):
            for j, terminal in enumerate(chats):
                terminal.send('/nothing%s%s\n' % ('abc'[j], 'abcdefgh'[i]))
        for terminal in chats:
            self.leave(terminal)
        lines = self.history()
        self.assertEqual(len(lines), 27)
        for j in 'abc':
            self.assertEqual([line for line in lines if line.startswith('/nothing' + j)],
                             ['/nothing%s%s' % (j, i) for i in 'abcdefgh'])

    def test_it_is_bounded_and_the_newest_stay(self):
        path = self.path(*HISTORY)
        os.makedirs(os.path.dirname(path))
        with open(path, 'w', encoding='utf-8') as file:
            file.writelines('line %06d %s\n' % (i, 'x' * 80) for i in range(12000))
        os.chmod(path, 0o644)
        self.leave(self.chat()[0])
        lines = self.history()
        self.assertLess(os.path.getsize(path), 1 << 20)
        self.assertEqual(lines[-1], '/bye')
        self.assertTrue(lines[-2].startswith('line 011999 '))
        self.assertEqual(len({len(line) for line in lines[:-1]}), 1)     # None is cut.
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(os.listdir(os.path.dirname(path)), ['history'])

    def test_a_torn_last_line_harms_no_other(self):
        path = self.path(*HISTORY)
        os.makedirs(os.path.dirname(path))
        with open(path, 'w', encoding='utf-8') as file:
            file.write('whole\ntor')
        self.leave(self.chat()[0])
        self.assertEqual(self.history(), ['whole', 'tor', '/bye'])

    def test_without_a_place_for_it_the_chat_works_and_says_so(self):
        self.write('.local', b'not a folder')
        terminal, at = self.chat()
        at = terminal.ask('/clear', 'is not kept', at)
        self.leave(terminal)
        self.assertEqual(terminal.seen.count(b'is not kept'), 1)


class Commands(ChatCase):
    def says(self, line, *words, args=()):
        terminal, at = self.chat(*args)
        terminal.ask(line, words[0], at)
        for word in words[1:]:
            terminal.wait_for(word, at)
        shown = terminal.seen[at:].decode()
        self.leave(terminal)
        return shown

    def test_help_has_every_command(self):
        self.says('/help', 'Ctrl-R', '/set', '/show', '/clear', '/retry', '/save FILE', '/load FILE', '/bye', '"""')

    def test_an_unknown_command_is_told_what_there_is(self):
        self.says('/frobnicate now', 'there is no /frobnicate', '/retry', '/bye')
        self.says('/clear it', '/clear takes nothing')

    def test_tab_completes_commands_and_settings(self):
        self.says('/sho\tcont\t', 'tokens used')
        self.says('/set typ\t.5', 'typical_p: 0.5')
        self.says('/s\t\x15/clear', '/set  /show  /save', 'Begun anew')

    def test_set_changes_and_checks(self):
        self.says('/set top_p 0.5', 'top_p: 0.5')
        self.says('/set parameter top_k 7', 'top_k: 7')
        self.says('/set top_k default', 'top_k: 40', args=('--top-k', '3'))
        self.says('/set seed', 'seed: 5')
        self.says('/set top_p 1.5', 'top_p: expected a number over 0, to 1, found "1.5"')
        self.says('/set mirostat 3', 'mirostat: expected a whole number from 0 to 2')
        self.says('/set max_tokens 0', 'max_tokens')
        self.says('/set frobnicate 1', 'there is no setting "frobnicate"', 'min_p', 'repeat_last_n')
        self.says('/set system Be brief.', 'needs a chat template')
        self.says('/set', 'temperature', 'from 0 to 100', 'repeat_penalty', 'system', args=('--temp', '0.25'))

    def test_a_setting_holds_for_the_next_answer(self):
        def answer(*lines):
            terminal, at = self.chat('--max-tokens', '12')
            for line in lines:
                at = terminal.ask(line, ': ', at)
            at = terminal.ask('In the', 'generated', at)
            text = self.saved(terminal, at)[1][1]
            self.leave(terminal)
            return text
        self.assertEqual(answer(), answer())
        self.assertEqual(answer('/set temperature 0'), answer('/set temperature 0', '/set seed 77'))
        self.assertNotEqual(answer(), answer('/set seed 77'))
        self.assertLess(len(answer('/set max_tokens 3')), len(answer()))

    def test_show_tells_of_the_model_and_the_context(self):
        self.says('/show', 'template shows', MODEL, 'llama', 'temperature',
                  'tokens used')
        self.says('/show template', 'no chat template.')
        self.says('/show frobnicate', 'context')

    def test_tokens_used_grow_with_turns_and_clear_ends_them(self):
        terminal, at = self.chat('--max-tokens', '4', '--ctx', '99')
        at = terminal.ask('/show context', '0 of 99 tokens used', at)
        at = terminal.ask('In the', 'generated', at)
        at = terminal.ask('/show context', '2 messages', at)
        at = terminal.ask('/clear', 'Begun anew', at)
        terminal.ask('/show context', '0 of 99 tokens used', at)
        self.leave(terminal)

    def test_retry_answers_the_last_turn_again(self):
        terminal, at = self.chat('--max-tokens', '12')
        at = terminal.ask('/retry', 'nothing to answer', at)
        at = terminal.ask('In the', 'generated', at)
        first = self.saved(terminal, at)
        at = terminal.ask('/retry', 'seed 5', len(terminal.seen))
        at = terminal.ask('/set seed 9', 'seed: 9', len(terminal.seen))
        at = terminal.ask('/retry', 'generated', at)
        again = self.saved(terminal, at)
        self.assertEqual(len(again), 2)
        self.assertEqual(again[0], first[0])
        self.assertNotEqual(again[1], first[1])
        self.leave(terminal)

    def test_save_and_load_carry_a_conversation_over(self):
        terminal, at = self.chat('--max-tokens', '4')
        at = terminal.ask('In the', 'generated', at)
        turns = self.saved(terminal, at)
        self.leave(terminal)
        terminal, at = self.chat('--max-tokens', '4')
        at = terminal.ask('/load ~/saved.json', '2 messages', at)
        at = terminal.ask('And', 'generated', at)
        self.assertEqual(self.saved(terminal, at)[:3], turns + [('user', 'And')])
        self.leave(terminal)

    def test_a_file_that_is_no_conversation_is_refused_and_stays(self):
        self.write('notes', b'my notes')
        self.write('odd.json', b'{"messages": [{"role": "user", "content": "a"}, {"role": "tool", "content": "b"}]}')
        self.says('/save ' + self.path('notes'), 'no conversation: it stays')
        self.assertEqual(self.read('notes'), b'my notes')
        self.says('/load ' + self.path('notes'), 'is no JSON')
        self.says('/load ' + self.path('odd.json'), 'messages[1].role is "tool"')
        self.says('/load ' + self.path('missing'), 'missing: cannot')
        self.says('/load', '/load needs the name of a file')

    def test_a_full_context_does_not_end_the_chat_and_says_what_to_do(self):
        terminal, at = self.chat('--ctx', '12', '--max-tokens', '2')
        at = terminal.ask('word ' * 20, 'does not fit', at)
        self.assertIn(b'/clear begins anew', terminal.seen)
        at = terminal.ask('In', 'generated', at)
        self.leave(terminal)


class Pipes(ChatCase):
    def test_each_line_is_a_turn_and_nothing_joins_lines(self):
        path = self.path('saved.json')
        self.ok('run', MODEL, '--max-tokens', '2', '--seed', '5',
                stdin=b'"""In\\\nthe\n/nonsense\n/save %s\n' % path.encode())
        with open(path, encoding='utf-8') as file:
            said = [m['content'] for m in json.load(file)['messages'] if m['role'] == 'user']
        self.assertEqual(said, ['"""In\\', 'the'])

    def test_a_command_that_fails_ends_a_script(self):
        self.fails(2, 'run', MODEL, stdin=b'/set top_p 9\n', says='top_p: expected')


if __name__ == '__main__':
    cli_support.QUANTCTL = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
