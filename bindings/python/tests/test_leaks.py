"""Memory and descriptors after many rounds of opening and closing are what they were after the first few."""
import gc
import unittest

from libquant import Model, Tokenizer
from scratch import BASE, PSALM, q8, resident

TOKENIZERS, MODELS = 10_000, 300
ROOM = 24 << 20  # Bytes: a leak of every tokenizer, or of a model's tables, would be many times that.


class Leaks(unittest.TestCase):
    def rounds(self, count, work):
        for _ in range(count // 10):
            work()
        gc.collect()
        memory, descriptors = resident()
        for _ in range(count):
            work()
        gc.collect()
        after, open_now = resident()
        self.assertEqual(open_now, descriptors)
        self.assertLess(after - memory, ROOM)

    def test_of_tokenizers(self):
        def work():
            with Tokenizer(BASE / 'tokenizer.json') as tokenizer:
                tokenizer.tokenize(PSALM)
        self.rounds(TOKENIZERS, work)

    def test_of_models_and_sessions(self):
        path = q8()

        def work():
            with Model(path) as model, model.session(context_length=32) as session:
                session.generate(PSALM, max_tokens=2)
        self.rounds(MODELS, work)

    def test_of_what_is_only_collected(self):
        def work():
            Model(q8()).session(context_length=32).run([1])
        self.rounds(MODELS // 3, work)

    def test_of_failures(self):
        def work():
            self.assertRaises(Exception, lambda: Model('/nowhere'))
        self.rounds(TOKENIZERS, work)


if __name__ == '__main__':
    unittest.main()
