using System;
using System.Collections.Generic;
using LibQuant.Native;

namespace LibQuant
{
    public sealed partial class Model
    {
        /// <summary>Embeds texts together; one for each. progress may cancel.</summary>
        public IReadOnlyList<Embedding> Embed(
            IEnumerable<string> texts, EmbedOptions options = null, Func<ProgressReport, bool> progress = null)
        {
            using (var all = new Texts())
            using (var how = new quant_embedding_options())
            {
                foreach (string text in texts) all.add(Block.Utf8Of(text));
                (options ?? new EmbedOptions()).Fill(how);
                using (NativeEmbeddings made = held_.Call(progress,
                    (model, sink, outcome) => NativeEmbeddings.of(model, all, how, sink, outcome)))
                    return Read(made);
            }
        }

        private static IReadOnlyList<Embedding> Read(NativeEmbeddings all)
        {
            var read = new List<Embedding>();
            for (ulong i = 0; i < all.count(); ++i)
            {
                ulong index = i;
                float[] values = Call.Of(outcome => all.values(index, outcome));
                read.Add(Call.Of(outcome =>
                    Call.Read(all.at(index, outcome), outcome, from => new Embedding(values, from))));
            }
            return read;
        }

        /// <summary>Perplexity of a text, and the divergence from a base, which may be null. progress: in chunks.</summary>
        public Evaluation Evaluate(string text, Model against = null, EvaluateOptions options = null,
            Func<ProgressReport, bool> progress = null)
        {
            using (var how = new quant_eval_options())
            {
                (options ?? new EvaluateOptions()).Fill(how);
                Func<NativeModel, Evaluation> with = reference => held_.Call(progress, (model, sink, outcome) => Call.Read(
                    NativeQuant.evaluate(model, reference, Block.Utf8Of(text), how, sink, outcome), outcome,
                    result => new Evaluation(result)));
                return against == null ? with(null) : against.held_.With(with);
            }
        }

        /// <summary>Times the model here and now. progress: in rounds.</summary>
        public Benchmark Bench(BenchOptions options = null, Func<ProgressReport, bool> progress = null)
        {
            using (var how = new quant_bench_options())
            {
                (options ?? new BenchOptions()).Fill(how);
                return held_.Call(progress, (model, sink, outcome) => Call.Read(
                    NativeQuant.bench(model, how, sink, outcome), outcome, result => new Benchmark(result)));
            }
        }
    }
}
