"""A chat on the terminal: chat_turns.py MODEL"""
import sys

from libquant import Model

with Model(sys.argv[1]) as model, model.session() as session:
    messages = []
    for line in sys.stdin:
        messages.append({'role': 'user', 'content': line.strip()})
        prompt = model.render_chat(messages)
        answer = session.generate(prompt, whole=True, add_special=False, on_text=lambda piece: print(piece, end='', flush=True))
        messages.append({'role': 'assistant', 'content': answer.text})
        print()
