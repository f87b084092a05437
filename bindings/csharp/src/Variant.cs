using LibQuant.Native;

namespace LibQuant
{
    /// <summary>A variant of the catalog. Numbers that were not measured are NaN.</summary>
    public sealed class Variant
    {
        /// <summary>Such as "kjv-5m:Q4_K_M".</summary>
        public string Name { get; }

        /// <summary>Such as "kjv-5m".</summary>
        public string Model { get; }

        /// <summary>Such as "Q4_K_M".</summary>
        public string Type { get; }

        /// <summary>Of the model.</summary>
        public string Architecture { get; }

        /// <summary>Name of the variant it was made from, or "".</summary>
        public string Base { get; }

        /// <summary>Of its file.</summary>
        public string Path { get; }

        /// <summary>Whether the file is not there now.</summary>
        public bool FileMissing { get; }

        /// <summary>Elements of all tensors.</summary>
        public long Parameters { get; }

        /// <summary>Of its files.</summary>
        public long Bytes { get; }

        /// <summary>8 * tensor bytes / parameters.</summary>
        public double BitsPerWeight { get; }

        /// <summary>Perplexity, by the latest measurement.</summary>
        public double Ppl { get; }

        /// <summary>Its standard error.</summary>
        public double PplSe { get; }

        /// <summary>Mean KL divergence from the base.</summary>
        public double KldMean { get; }

        /// <summary>Its standard error.</summary>
        public double KldSe { get; }

        /// <summary>Share of tokens where it agrees with the base.</summary>
        public double Top1 { get; }

        /// <summary>Tokens, latest on this machine.</summary>
        public double DecodePerSecond { get; }

        /// <summary>Tokens, likewise.</summary>
        public double PrefillPerSecond { get; }

        internal Variant(quant_variant_info from)
        {
            Name = from.name;
            Model = from.model;
            Type = from.variant;
            Architecture = from.architecture;
            Base = from.base_variant;
            Path = from.path;
            FileMissing = from.file_missing != 0;
            Parameters = (long)from.parameters;
            Bytes = (long)from.bytes;
            BitsPerWeight = from.bits_per_weight;
            Ppl = from.ppl;
            PplSe = from.ppl_se;
            KldMean = from.kld_mean;
            KldSe = from.kld_se;
            Top1 = from.top1;
            DecodePerSecond = from.decode_per_second;
            PrefillPerSecond = from.prefill_per_second;
        }
    }
}
