using LibQuant.Native;

namespace LibQuant
{
    /// <summary>Sums over a plan.</summary>
    public sealed class PlanSummary
    {
        /// <summary>The mix, as the table spells it.</summary>
        public string Type { get; }

        /// <summary>How many there are.</summary>
        public long Tensors { get; }

        /// <summary>Elements of them.</summary>
        public long Parameters { get; }

        /// <summary>Of the source's files.</summary>
        public long SourceBytes { get; }

        /// <summary>Of the file to be, exactly.</summary>
        public long OutputBytes { get; }

        /// <summary>8 * tensor bytes / parameters.</summary>
        public double BitsPerWeight { get; }

        /// <summary>Tensors that did not get what the mix wants.</summary>
        public int Fallbacks { get; }

        /// <summary>Whether the source itself is quantized, so that losses add up.</summary>
        public bool Requantizes { get; }

        /// <summary>Of a plan document: mean KL divergence, nats a token; else -1.</summary>
        public double PredictedKld { get; }

        internal PlanSummary(quant_plan_summary from)
        {
            Type = from.type;
            Tensors = (long)from.tensors;
            Parameters = (long)from.parameters;
            SourceBytes = (long)from.source_bytes;
            OutputBytes = (long)from.output_bytes;
            BitsPerWeight = from.bits_per_weight;
            Fallbacks = (int)from.fallbacks;
            Requantizes = from.requantizes != 0;
            PredictedKld = from.predicted_kld;
        }
    }
}
