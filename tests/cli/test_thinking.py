"""Tests of reasoning at quantctl run: told apart from the answer, shown or not, asked for or not.
Usage: test_thinking.py PATH_OF_QUANTCTL [unittest arguments]."""
import json
import os
import shutil
import sys
import unittest

sys.dont_write_bytecode = True   # The sources stay as they are.
import cli_support
from cli_support import MODEL, CliCase, Terminal

# What is asked for is in the variables that have become usual; the prompt opens the reasoning.
SWITCHED = ("{% for m in messages %}[{{ m.role }}] {% if m.reasoning_content is defined %}({{ m.reasoning_content }}) {% endif %}"
            "{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}[assistant] "
            "{% if enable_thinking is defined and not enable_thinking %}<think></think>{% else %}<think>{% endif %}{% endif %}")
SILENT = "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}[assistant] {% endif %}"
REPLY = 'root ::= "<think>Which one?</think>Let me look."'


class Thinking(CliCase):
    def setUp(self):
        super().setUp()
        self.rules = self.path('reply.gbnf')
        with open(self.rules, 'w', encoding='utf-8') as file:
            file.write(REPLY)

    def model(self, template):
        folder = self.path('model-%d' % len(template))
        if not os.path.exists(folder):
            shutil.copytree(cli_support.model_folder(), folder)
            with open(os.path.join(folder, 'chat_template.jinja'), 'w', encoding='utf-8') as file:
                file.write(template)
        return folder

    def test_a_pipe_gets_the_answer_alone(self):
        model = self.model(SWITCHED)
        self.assertEqual(self.ok('run', model, 'Who?', '--grammar', self.rules).text, 'Let me look.\n')
        self.assertEqual(self.ok('run', model, 'Who?', '--grammar', self.rules, '--think', 'hide').text, 'Let me look.\n')
        self.assertEqual(self.ok('run', model, 'Who?', '--max-tokens', '8').text, '')

    def test_a_document_has_both(self):
        found = self.ok('run', self.model(SWITCHED), 'Who?', '--grammar', self.rules, '--json').json
        self.assertEqual((found['reasoning'], found['text']), ('Which one?', 'Let me look.'))
        found = self.ok('run', self.model(SWITCHED), 'Who?', '--max-tokens', '8', '--json').json
        self.assertTrue(found['reasoning'])
        self.assertEqual(found['text'], '')
        found = self.ok('run', MODEL, 'In the', '--max-tokens', '8', '--json').json
        self.assertIsNone(found['reasoning'])

    def test_it_is_turned_off_where_the_template_can_be_told(self):
        found = self.ok('run', self.model(SWITCHED), 'Who?', '--max-tokens', '8', '--think', 'off', '--json').json
        self.assertIsNone(found['reasoning'])
        self.assertTrue(found['text'])
        for model, why in ((self.model(SILENT), 'no word for it'), (MODEL, 'no chat template')):
            for think in ('on', 'off'):
                self.fails(2, 'run', model, 'Who?', '--think', think, says=why)

    def test_a_terminal_shows_it_fainter_and_the_history_keeps_it(self):
        for env, mark in ((None, b'\x1b[2mWhich one?'), ({'NO_COLOR': '1'}, b'(thinking) Which one?')):
            with self.subTest(env=env):
                terminal = Terminal(self, 'run', self.model(SWITCHED), '--grammar', self.rules, env=env)
                at = terminal.wait_for('>>> ')
                terminal.send('Who?\n')
                at = terminal.wait_for('>>> ', terminal.wait_for('Let me look.', at))
                self.assertIn(mark, terminal.seen.replace(b'\x1b[0m\x1b[2m', b''))   # Piece by piece.
                saved = self.path('saved.json')
                terminal.ask('/save ' + saved, 'Saved', at)
                with open(saved, encoding='utf-8') as file:
                    turn = json.load(file)['messages'][1]
                self.assertEqual((turn['content'], turn['reasoning_content']), ('Let me look.', 'Which one?'))
                os.unlink(saved)
                terminal.send('/bye\n')
                self.assertEqual(terminal.finish(), 0)

    def test_it_is_set_while_a_chat_goes_on(self):
        terminal = Terminal(self, 'run', self.model(SWITCHED), '--max-tokens', '6', '--seed', '3')
        at = terminal.wait_for('>>> ')
        at = terminal.ask('/set think off', 'think: off', at)
        terminal.ask('/set think never', 'expected on, off, hide or default', at)
        terminal.send('/bye\n')
        self.assertEqual(terminal.finish(), 0)


    def test_text_that_is_held_to_rules_is_the_answer_whatever_the_prompt_opened(self):
        found = self.ok('run', self.model(SWITCHED), 'Who?', '--json-object', '--max-tokens', '20', '--json').json
        self.assertIsNone(found['reasoning'])
        self.assertTrue(found['text'].startswith('{'), found)


if __name__ == '__main__':
    cli_support.QUANTCTL = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
