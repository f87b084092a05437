using LibQuant.Native;
using System.Collections.Generic;

namespace LibQuant
{
    /// <summary>What becomes of one tensor.</summary>
    public sealed class PlanTensor
    {
        /// <summary>In the GGUF file to be.</summary>
        public string Name { get; }

        /// <summary>In the source.</summary>
        public string SourceName { get; }

        /// <summary>Its type there.</summary>
        public string SourceType { get; }

        /// <summary>Row-major.</summary>
        public IReadOnlyList<long> Shape { get; }

        /// <summary>What it becomes.</summary>
        public Encoding Encoding { get; }

        /// <summary>Whether the row length forced another encoding than the mix wants.</summary>
        public bool Fallback { get; }

        /// <summary>How; after running what BEST chose.</summary>
        public Method Method { get; }

        /// <summary>Encoded.</summary>
        public long Bytes { get; }

        /// <summary>Root mean squared error; -1 until the plan has run.</summary>
        public double Rmse { get; }

        /// <summary>That divided by the RMS of the weights; -1 until then.</summary>
        public double Relative { get; }

        internal PlanTensor(quant_plan_tensor from)
        {
            Name = from.name;
            SourceName = from.source_name;
            SourceType = from.source_type;
            Shape = ShapeOf(from);
            Encoding = Encoding.Of((int)from.encoding);
            Fallback = from.fallback != 0;
            Method = (Method)(int)from.method;
            Bytes = (long)from.bytes;
            Rmse = from.rmse;
            Relative = from.relative;
        }

        private static IReadOnlyList<long> ShapeOf(quant_plan_tensor from)
        {
            var shape = new long[from.dims];
            for (int i = 0; i < shape.Length; ++i) shape[i] = from.extent(i);
            return shape;
        }
    }
}
