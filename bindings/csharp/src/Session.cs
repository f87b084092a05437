using System;
using System.Collections.Generic;
using System.Text;
using System.Threading;
using LibQuant.Native;

namespace LibQuant
{
    /// <summary>One sequence of tokens. It is used by one thread at a time, and says so where it is not.</summary>
    public sealed partial class Session : Handle
    {
        private readonly Held<NativeSession> held_;
        private int busy_;

        private Session(NativeSession made)
        {
            held_ = new Held<NativeSession>(made, nameof(Session));
        }

        internal static Session Open(NativeModel model, SessionOptions options)
        {
            using (var how = new quant_session_options())
            {
                options.Fill(how);
                Func<NativeModel, Session> with = draft =>
                    new Session(Call.Of(outcome => NativeSession.open(model, how, draft, outcome)));
                return options.Draft == null ? with(null) : options.Draft.With(with);
            }
        }

        /// <summary>Begins a sequence with the first tokens of this one, whose memory both share.</summary>
        public Session Fork(int length) => Alone(() =>
            new Session(held_.Call((session, outcome) => session.fork(checked((uint)length), outcome))));

        /// <summary>Tokens in the sequence.</summary>
        public int Length => Alone(() => held_.With(session => (int)session.length()));

        /// <summary>Tokens it can hold.</summary>
        public int Capacity => held_.With(session => (int)session.capacity());

        /// <summary>What the last generation took that ended without an exception; null before the first.</summary>
        public Generation LastGeneration { get; private set; }

        /// <summary>Forgets tokens at the end, so that length of them stay.</summary>
        public void Truncate(int length) => Alone(() => held_.Call((session, outcome) =>
        {
            session.truncate(checked((uint)length), outcome);
            return 0;
        }));

        /// <summary>Appends tokens and runs the model on them: a logit for each token of the vocabulary, of what follows the
        /// last id.</summary>
        public float[] Logits(params int[] ids) => Run(ids, false);

        /// <summary>Appends tokens and runs the model on them: ids x vocabulary logits, row-major.</summary>
        public float[] AllLogits(params int[] ids) => Run(ids, true);

        private unsafe float[] Run(int[] ids, bool all)
        {
            return Alone(() => held_.Call((session, outcome) =>
            {
                fixed (int* first = ids) return session.run((IntPtr)first, (ulong)ids.Length, all, outcome);
            }));
        }

        /// <summary>Generates text in this thread. text gets pieces of it, whole characters, and answers true to go on, false
        /// to stop; null: the text is not wanted. What it throws stops the generation and comes out of this call.</summary>
        public Generation Generate(Prompt prompt, Func<string, bool> text) =>
            Alone(() => Write(prompt, text, prompt.Prefill));

        /// <summary>Generates text in this thread: all of it.</summary>
        public string Generate(Prompt prompt)
        {
            var text = new StringBuilder();
            Generate(prompt, piece => { text.Append(piece); return true; });
            return text.ToString();
        }

        /// <summary>Generates text in a thread of its own, a few pieces ahead of its reader. It begins with the loop over it
        /// (foreach), once; leaving that stops the generation, also in the prompt, and waits for its thread. What it took
        /// is LastGeneration.</summary>
        public IEnumerable<string> Stream(Prompt prompt)
        {
            using (TokenStream pieces = Begin(prompt))
            {
                while (pieces.TryTake(out string piece)) yield return piece;
            }
        }

        private TokenStream Begin(Prompt prompt, Action changed = null)
        {
            Begin();
            try { return new TokenStream((text, wanted) => Write(prompt, text, wanted), End, changed); }
            catch // No thread can be had.
            {
                End();
                throw;
            }
        }

        /// <summary>For a stream, whose reader may leave while the prompt is read.</summary>
        private Generation Write(Prompt prompt, Func<string, bool> text, Func<bool> wanted) =>
            Write(prompt, text, report => wanted() && (prompt.Prefill == null || prompt.Prefill(report)));

        private Generation Write(Prompt prompt, Func<string, bool> text, Func<ProgressReport, bool> prefill)
        {
            using (NativeGenerateOptions how = prompt.Options())
            using (var sampling = new quant_sampling())
            using (TextRelay relay = text == null ? null : new TextRelay(text))
            {
                prompt.Sampling?.Fill(sampling);
                LastGeneration = held_.Call(prefill, (session, sink, outcome) =>
                {
                    Generation took = Call.Read(session.generate(how, sampling, relay, sink, outcome), outcome,
                        from => new Generation(from));
                    Call.Rethrow(relay?.Failure);
                    return took;
                });
                return LastGeneration;
            }
        }

        private void Begin()
        {
            if (Interlocked.Exchange(ref busy_, 1) != 0)
                throw new InvalidOperationException("the Session is in use by another thread or stream");
        }

        private void End() => Volatile.Write(ref busy_, 0);

        private R Alone<R>(Func<R> body)
        {
            Begin();
            try { return body(); } finally { End(); }
        }

        /// <summary>Releases it, or has the call do so that is at work on it.</summary>
        public override void Dispose() => held_.Dispose();

        /// <summary>Keeps what the callback throws, since nothing may pass native frames.</summary>
        private sealed class TextRelay : TextSink
        {
            private readonly Func<string, bool> text_;

            internal TextRelay(Func<string, bool> text)
            {
                text_ = text;
            }

            internal Exception Failure { get; private set; }

            public override int on_text(IntPtr text, ulong bytes)
            {
                try { return text_(Block.StringOf(text, bytes)) ? 0 : 1; }
                catch (Exception thrown)
                {
                    Failure = thrown;
                    return 1;
                }
            }
        }
    }
}
