using System.Collections.Generic;
using LibQuant.Native;

namespace LibQuant
{
    /// <summary>How to quantize a model: by a Type, or by a PlanJson.</summary>
    public sealed class QuantizeOptions
    {
        private readonly List<KeyValuePair<string, string>> overrides_ = new List<KeyValuePair<string, string>>();

        /// <summary>A type mix, such as "Q4_K_M", in any case of letters; null with PlanJson.</summary>
        public string Type { get; set; }

        /// <summary>A plan document, as Plan.Search makes one; else null.</summary>
        public string PlanJson { get; set; }

        /// <summary>How codes are chosen.</summary>
        public Method Method { get; set; }

        /// <summary>A file of importances of either kind, or null.</summary>
        public string ImportancePath { get; set; }

        /// <summary>A file of second moments, for Feedback and Best in place of a text; or null.</summary>
        public string MomentsPath { get; set; }

        /// <summary>The text that Feedback and Best need, and Importance without a file; or null.</summary>
        public string CalibrationText { get; set; }

        /// <summary>At most so many tokens of it; 0: all.</summary>
        public long CalibrationTokens { get; set; }

        /// <summary>Gives the tensors whose name a pattern matches one encoding; the first that matches wins.</summary>
        public QuantizeOptions Override(string pattern, string encoding)
        {
            overrides_.Add(new KeyValuePair<string, string>(pattern, encoding));
            return this;
        }

        internal NativeQuantizeOptions Options()
        {
            var how = new NativeQuantizeOptions
            {
                type = Block.NameOf(Type, nameof(Type)),
                plan_json = Block.NameOf(PlanJson, nameof(PlanJson)),
                method = (int)Method,
                importance_path = Block.NameOf(ImportancePath, nameof(ImportancePath)),
                moments_path = Block.NameOf(MomentsPath, nameof(MomentsPath)),
                calibration_text = Block.Utf8Of(CalibrationText),
                calibration_tokens = checked((ulong)CalibrationTokens)
            };
            foreach (var one in overrides_)
                how.add_override(Block.NameOf(one.Key, "pattern"), Block.NameOf(one.Value, "encoding"));
            return how;
        }
    }
}
