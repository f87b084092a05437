using LibQuant.Native;

namespace LibQuant
{
    /// <summary>A measurement. Values against a base are NaN where there was none; probabilities are fractions,
    /// divergences are in nats for each token.</summary>
    public sealed class Evaluation
    {
        /// <summary>Tokens a chunk.</summary>
        public int ContextLength { get; }

        /// <summary>That were run.</summary>
        public int Chunks { get; }

        /// <summary>That were scored.</summary>
        public long Tokens { get; }

        /// <summary>That it was measured with.</summary>
        public Activations Activations { get; }

        /// <summary>Perplexity of the model.</summary>
        public double Ppl { get; }

        /// <summary>Its standard error.</summary>
        public double PplSe { get; }

        /// <summary>Perplexity of the base.</summary>
        public double BasePpl { get; }

        /// <summary>Its standard error.</summary>
        public double BasePplSe { get; }

        /// <summary>Ln(ppl / basePpl).</summary>
        public double LnRatio { get; }

        /// <summary>Its standard error.</summary>
        public double LnRatioSe { get; }

        /// <summary>Mean KL divergence of the model from the base.</summary>
        public double KldMean { get; }

        /// <summary>Its standard error.</summary>
        public double KldSe { get; }

        /// <summary>The median.</summary>
        public double KldMedian { get; }

        /// <summary>The 99th percentile.</summary>
        public double KldP99 { get; }

        /// <summary>The 99.9th.</summary>
        public double KldP999 { get; }

        /// <summary>The largest.</summary>
        public double KldMax { get; }

        /// <summary>Share of tokens where both think the same token likeliest.</summary>
        public double Top1 { get; }

        /// <summary>Its standard error.</summary>
        public double Top1Se { get; }

        /// <summary>Mean change of the right token's probability.</summary>
        public double DpMean { get; }

        /// <summary>Its root mean square.</summary>
        public double DpRms { get; }

        /// <summary>That it took.</summary>
        public double Seconds { get; }

        /// <summary>Of the text's bytes.</summary>
        public string TextSha256 { get; }

        internal Evaluation(quant_eval_result from)
        {
            ContextLength = (int)from.context_length;
            Chunks = (int)from.chunks;
            Tokens = (long)from.tokens;
            Activations = (Activations)(int)from.activations;
            Ppl = from.ppl;
            PplSe = from.ppl_se;
            BasePpl = from.base_ppl;
            BasePplSe = from.base_ppl_se;
            LnRatio = from.ln_ratio;
            LnRatioSe = from.ln_ratio_se;
            KldMean = from.kld_mean;
            KldSe = from.kld_se;
            KldMedian = from.kld_median;
            KldP99 = from.kld_p99;
            KldP999 = from.kld_p999;
            KldMax = from.kld_max;
            Top1 = from.top1;
            Top1Se = from.top1_se;
            DpMean = from.dp_mean;
            DpRms = from.dp_rms;
            Seconds = from.seconds;
            TextSha256 = from.text_sha256;
        }

        /// <summary>For the catalog.</summary>
        internal quant_eval_result Result() => new quant_eval_result
        {
            context_length = (uint)ContextLength,
            chunks = (uint)Chunks,
            tokens = (ulong)Tokens,
            activations = (int)Activations,
            ppl = Ppl,
            ppl_se = PplSe,
            base_ppl = BasePpl,
            base_ppl_se = BasePplSe,
            ln_ratio = LnRatio,
            ln_ratio_se = LnRatioSe,
            kld_mean = KldMean,
            kld_se = KldSe,
            kld_median = KldMedian,
            kld_p99 = KldP99,
            kld_p999 = KldP999,
            kld_max = KldMax,
            top1 = Top1,
            top1_se = Top1Se,
            dp_mean = DpMean,
            dp_rms = DpRms,
            seconds = Seconds,
            text_sha256 = TextSha256
        };
    }
}
