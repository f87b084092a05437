#!/usr/bin/env python3
"""One client of others against quantd, on loopback TCP or on its Unix socket.

    test_clients.py QUANTD QUANTCTL MODEL FOLDER CLIENT

MODEL is a small model's folder; CLIENT one of CLIENTS. The environment's QUANT_CLIENTS, or else FOLDER, is what
share/build/install_clients.sh made; where it is not there, this ends with 77. Prints each action of the client and
whether it passed; ends with 1 where one failed.
"""
import json
import os
import shutil
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True   # The sources stay as they are.
sys.path.insert(0, os.path.dirname(HERE))
import daemon_support

CLIENTS = {    # Program, script, arguments.
    'python-openai': ('python', 'python_openai.py'),
    'python-ollama': ('python', 'python_ollama.py'),
    'langchain-openai': ('python', 'langchain_chat.py', 'openai'),
    'langchain-ollama': ('python', 'langchain_chat.py', 'ollama'),
    'node-openai': ('node', 'node_openai.mjs'),
    'node-ollama': ('node', 'node_ollama.mjs'),
    'curl': ('curl', 'curl_socket.py'),
}
SKIPPED = 77


def program_of(kind, folder):
    """What runs the scripts of a kind, or why there is nothing that does."""
    if kind == 'curl':
        return (sys.executable, None) if shutil.which('curl') else (None, 'there is no curl')
    needed = os.path.join(folder, 'python/bin/python' if kind == 'python' else 'node_modules')
    if not os.path.exists(needed):
        return None, '%s is not there: share/build/install_clients.sh makes it' % needed
    if kind == 'node' and not shutil.which('node'):
        return None, 'there is no node'
    return (needed if kind == 'python' else 'node'), None


class Client(daemon_support.DaemonCase):
    def imported(self, name, template=None):
        folder = os.path.join(self.folder, name)
        shutil.copytree(MODEL, folder)
        if template:
            shutil.copy(template, os.path.join(folder, 'chat_template.jinja'))
        subprocess.run([QUANTCTL, 'import', folder, '--name', name], env=self.env, check=True, capture_output=True)
        return name + ':BF16'

    def lacks(self, daemon, talker):
        """What this daemon does not serve, and so no client can be asked for: lines of ACTION: why."""
        tool = {'type': 'function', 'function': {'name': 'f', 'parameters': {'type': 'object'}}}
        asked = daemon.ask('POST', '/v1/chat/completions', json.dumps(
            {'model': talker, 'messages': [{'role': 'user', 'content': 'x'}], 'tools': [tool], 'tool_choice': 'required',
             'max_tokens': 60}))
        out = []
        if 'ollama' not in NAME and asked.status == 400 and asked.json['error'].get('code') == 'unsupported':
            out.append('tools: tool_choice "required" is not served')
        if daemon.ask('POST', '/v1/embeddings', '{}').status == 404:
            out.append('embed: there is no /v1/embeddings')
        return '\n'.join(out)

    def test_each_action(self):
        self.env['QUANT_HOME'] = os.path.join(self.folder, 'catalog')
        model, talker = self.imported('small'), self.imported('talker', os.path.join(HERE, 'hermes.jinja'))
        daemon = self.start(program=daemon_support.QUANTD, tcp=True, env={'QUANTD_TEST_TIME_SCALE': '1'})
        env = dict(self.env, QUANT_CLIENT_URL='http://127.0.0.1:%d' % daemon.tcp[1], QUANT_CLIENT_SOCKET=daemon.path,
                   QUANT_CLIENT_MODEL=model, QUANT_CLIENT_TALKER=talker, QUANT_CLIENT_LACKS=self.lacks(daemon, talker),
                   QUANT_CLIENTS=FOLDER, PYTHONPATH=HERE, PYTHONDONTWRITEBYTECODE='1')
        for name in ('http_proxy', 'https_proxy', 'all_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'LANGSMITH_TRACING'):
            env.pop(name, None)
        begun = time.monotonic()
        done = subprocess.run([PROGRAM, os.path.join(HERE, SCRIPT), *ARGUMENTS], env=env, cwd=self.folder, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=240)
        lines = done.stdout.splitlines()
        for line in lines:
            print('%s %s' % (NAME, line))
        print('%s took %.1f s' % (NAME, time.monotonic() - begun))
        self.assertEqual(done.returncode, 0, done.stdout + daemon.log[-2000:])
        self.assertGreater(sum(line.startswith('pass ') for line in lines), 3, 'it was hardly run')
        self.assertEqual(daemon.metric('quantd_requests_running'), 0)
        self.assertEqual(daemon.get('/healthz').status, 200)


if __name__ == '__main__':
    daemon_support.QUANTD, QUANTCTL, MODEL, FOLDER = map(os.path.abspath, sys.argv[1:5])
    NAME = sys.argv[5]
    FOLDER = os.path.abspath(os.environ.get('QUANT_CLIENTS') or FOLDER)
    KIND, SCRIPT, *ARGUMENTS = CLIENTS[NAME]
    PROGRAM, missing = program_of(KIND, FOLDER)
    if missing:
        print('%s is not run: %s' % (NAME, missing))
        sys.exit(SKIPPED)
    unittest.main(argv=[sys.argv[0], *sys.argv[6:]])
