using System;
using System.Collections.Generic;
using System.Linq;
using LibQuant.Native;

namespace LibQuant
{
    /// <summary>An encoding: how a block of weights is stored. Arrays are pinned while native code works on them, and are
    /// not copied.</summary>
    public sealed partial class Encoding
    {
        private static readonly Lazy<IReadOnlyList<Encoding>> All = new Lazy<IReadOnlyList<Encoding>>(Read);

        private Encoding(quant_encoding_info from)
        {
            Id = from.id;
            Name = from.name;
            Family = from.family;
            Summary = from.summary;
            BlockWeights = (int)from.block_weights;
            BlockBytes = (int)from.block_bytes;
            BitsPerWeight = from.bits_per_weight;
        }

        /// <summary>The number that GGUF files use, where it is below 256.</summary>
        public int Id { get; }

        /// <summary>Such as "Q4_K".</summary>
        public string Name { get; }

        /// <summary>"uniform", "table16", "float8", "grid", "ternary" or "floats".</summary>
        public string Family { get; }

        /// <summary>One line for a person.</summary>
        public string Summary { get; }

        /// <summary>Weights in a block; a row is a whole number of blocks.</summary>
        public int BlockWeights { get; }

        /// <summary>Bytes of a block.</summary>
        public int BlockBytes { get; }

        /// <summary>8 * BlockBytes / BlockWeights.</summary>
        public double BitsPerWeight { get; }

        /// <summary>All there are.</summary>
        public static IReadOnlyList<Encoding> List() => All.Value;

        /// <summary>The encoding of a name, in any case of letters; else QuantException of Status.NotFound.</summary>
        public static Encoding Find(string name) =>
            Of(Call.Of(outcome => NativeQuant.find_encoding(Block.NameOf(name, nameof(name)), outcome)));

        internal static Encoding Of(int id) => All.Value.First(one => one.Id == id);

        /// <summary>Bytes of rows of cols weights each.</summary>
        public long EncodedSize(long rows, long cols) => (long)Call.Of(
            outcome => NativeQuant.encoded_size(Id, unchecked((ulong)rows), unchecked((ulong)cols), outcome));

        /// <summary>Encodes rows x cols weights.</summary>
        public byte[] Encode(float[] weights, long rows, long cols, Method method)
        {
            var codes = new byte[EncodedSize(rows, cols)];
            Encode(weights, rows, cols, method, null, codes, null);
            return codes;
        }

        /// <summary>Encodes rows x cols weights, all finite, into codes, whose length is EncodedSize. importance: cols
        /// weights of errors, or null. progress: in weights, or null.</summary>
        public unsafe void Encode(float[] weights, long rows, long cols, Method method, float[] importance, byte[] codes,
            Func<ProgressReport, bool> progress)
        {
            fixed (float* from = weights)
            fixed (float* by = importance)
            fixed (byte* to = codes)
                Encode(from, weights.LongLength, rows, cols, method, by, importance?.LongLength ?? cols, to,
                    codes.LongLength, progress);
        }

        /// <summary>Decodes rows x cols weights.</summary>
        public float[] Decode(byte[] codes, long rows, long cols)
        {
            var weights = new float[checked(rows * cols)];
            Decode(codes, rows, cols, weights);
            return weights;
        }

        /// <summary>Decodes rows x cols weights into an array of that length.</summary>
        public unsafe void Decode(byte[] codes, long rows, long cols, float[] weights)
        {
            fixed (byte* from = codes)
            fixed (float* to = weights)
                Decode(from, codes.LongLength, rows, cols, to, weights.LongLength);
        }

        private unsafe void Encode(float* weights, long count, long rows, long cols, Method method, float* importance,
            long importances, byte* codes, long bytes, Func<ProgressReport, bool> progress)
        {
            Expect(bytes, EncodedSize(rows, cols), nameof(codes)); // Which refuses a product that is too large.
            Expect(count, rows * cols, nameof(weights));
            Expect(importances, cols, nameof(importance));
            Call.Of(progress, (sink, outcome) =>
            {
                NativeQuant.encode(Id, (IntPtr)weights, (ulong)rows, (ulong)cols, (int)method, (IntPtr)importance, sink,
                    (IntPtr)codes, (ulong)bytes, outcome);
                return 0;
            });
        }

        private unsafe void Decode(byte* codes, long bytes, long rows, long cols, float* weights, long count)
        {
            Expect(bytes, EncodedSize(rows, cols), nameof(codes));
            Expect(count, rows * cols, nameof(weights));
            Call.Of(outcome => NativeQuant.decode(Id, (IntPtr)codes, (ulong)bytes, (ulong)rows, (ulong)cols,
                (IntPtr)weights, outcome));
        }

        private static void Expect(long length, long wanted, string what)
        {
            if (length != wanted) throw new ArgumentException($"a length of {length}, where it should be {wanted}", what);
        }

        private static IReadOnlyList<Encoding> Read()
        {
            var all = new List<Encoding>();
            for (ulong i = 0; i < NativeQuant.encoding_count(); ++i)
            {
                ulong index = i;
                all.Add(Call.Of(outcome =>
                    Call.Read(NativeQuant.encoding_at(index, outcome), outcome, from => new Encoding(from))));
            }
            return all;
        }
    }
}
