"""Stream the text that a model continues a prompt with: generate_text.py MODEL PROMPT"""
import sys

from libquant import Model, Sampling

with Model(sys.argv[1]) as model, model.session() as session:
    for piece in session.stream(sys.argv[2], max_tokens=48, sampling=Sampling(temperature=0.7, seed=42)):
        print(piece, end='', flush=True)
    print()
