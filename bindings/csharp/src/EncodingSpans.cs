#if NET8_0_OR_GREATER
using System;

namespace LibQuant
{
    public sealed partial class Encoding
    {
        /// <summary>Encodes rows x cols weights, all finite, into codes, whose length is EncodedSize. importance: cols weights
        /// of errors, or empty.</summary>
        public unsafe void Encode(ReadOnlySpan<float> weights, long rows, long cols, Method method,
            ReadOnlySpan<float> importance, Span<byte> codes, Func<ProgressReport, bool> progress = null)
        {
            fixed (float* from = weights)
            fixed (float* by = importance)
            fixed (byte* to = codes)
                Encode(from, weights.Length, rows, cols, method, by, importance.IsEmpty ? cols : importance.Length, to,
                    codes.Length, progress);
        }

        /// <summary>Decodes rows x cols weights into a span of that length.</summary>
        public unsafe void Decode(ReadOnlySpan<byte> codes, long rows, long cols, Span<float> weights)
        {
            fixed (byte* from = codes)
            fixed (float* to = weights) Decode(from, codes.Length, rows, cols, to, weights.Length);
        }
    }
}
#endif
