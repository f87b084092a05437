using System;
using System.Collections.Generic;
using LibQuant.Native;

namespace LibQuant
{
    /// <summary>What becomes of every tensor of a model. One thread at a time.</summary>
    public sealed class Plan : Handle
    {
        private readonly Held<NativePlan> held_;

        private Plan(NativePlan made)
        {
            held_ = new Held<NativePlan>(made, nameof(Plan));
        }

        /// <summary>Reads the headers of a GGUF file or a Hugging Face folder, and decides. Writes nothing.</summary>
        public static Plan Make(string source, QuantizeOptions options)
        {
            using (NativeQuantizeOptions how = options.Options())
                return new Plan(Call.Of(outcome => NativePlan.make(Block.NameOf(source, nameof(source)), how, outcome)));
        }

        /// <summary>Plans and carries out in one call. The GGUF file appears complete or not at all. progress: in weights, or
        /// null.</summary>
        public static PlanSummary Quantize(
            string source, string output, QuantizeOptions options, Func<ProgressReport, bool> progress = null)
        {
            using (Plan plan = Make(source, options))
            {
                plan.Run(output, progress);
                return plan.Summary();
            }
        }

        /// <summary>Chooses the encoding of every matrix for the least divergence within a target, of which one is not 0:
        /// bytes of the file, bits a weight, or predicted mean KL divergence in nats a token. tokens: at most so many of the
        /// text; 0: as the library has it. What comes is a plan document.</summary>
        public static string Search(string source, string text, long fileBytes = 0, double bitsPerWeight = 0,
            double maxKld = 0, Method method = Method.Default, long tokens = 0, Func<ProgressReport, bool> progress = null)
        {
            return Block.StringOf(Call.Of(progress, (sink, outcome) => NativeQuant.search_plan(
                Block.NameOf(source, nameof(source)), checked((ulong)fileBytes), bitsPerWeight, maxKld, (int)method,
                Block.Utf8Of(text), checked((ulong)tokens), sink, outcome)));
        }

        /// <summary>Sums.</summary>
        public PlanSummary Summary() => held_.Call((plan, outcome) =>
            Call.Read(plan.summary(outcome), outcome, from => new PlanSummary(from)));

        /// <summary>Every tensor in output order, with its error once the plan has run.</summary>
        public IReadOnlyList<PlanTensor> Tensors()
        {
            var all = new List<PlanTensor>();
            long count = Summary().Tensors;
            for (long i = 0; i < count; ++i)
            {
                var index = (ulong)i;
                all.Add(held_.Call((plan, outcome) =>
                    Call.Read(plan.tensor(index, outcome), outcome, from => new PlanTensor(from))));
            }
            return all;
        }

        /// <summary>Carries it out. The GGUF file appears complete or not at all. progress: in weights, or null.</summary>
        public void Run(string output, Func<ProgressReport, bool> progress = null)
        {
            held_.Call(progress, (plan, sink, outcome) =>
            {
                plan.run(Block.NameOf(output, nameof(output)), sink, outcome);
                return 0;
            });
        }

        internal R With<R>(Func<NativePlan, R> body) => held_.With(body);

        /// <summary>Releases it.</summary>
        public override void Dispose() => held_.Dispose();
    }
}
