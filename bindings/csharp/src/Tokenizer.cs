using System;
using LibQuant.Native;

namespace LibQuant
{
    /// <summary>A tokenizer without its model. May be used by several threads.</summary>
    public sealed class Tokenizer : Handle
    {
        private readonly Held<NativeTokenizer> held_;

        private Tokenizer(NativeTokenizer made)
        {
            held_ = new Held<NativeTokenizer>(made, nameof(Tokenizer));
        }

        /// <summary>Opens the tokenizer of a model: a GGUF file, a tokenizer.json, or a folder that holds one.</summary>
        public static Tokenizer Open(string path) =>
            new Tokenizer(Call.Of(outcome => NativeTokenizer.open(Block.NameOf(path, nameof(path)), outcome)));

        /// <summary>How many ids it has.</summary>
        public long Size => held_.With(tokenizer => (long)tokenizer.size());

        /// <summary>Text to ids; it may hold NUL.</summary>
        public int[] Tokenize(string text, TextFlags flags) => Tokenize(Block.Utf8Of(text), flags);

        /// <summary>Bytes to ids: any bytes, meant as UTF-8.</summary>
        public int[] Tokenize(byte[] text, TextFlags flags) =>
            held_.Call((tokenizer, outcome) => tokenizer.tokenize(text, (uint)flags, outcome));

        /// <summary>Ids to text; sequences that are no UTF-8 become U+FFFD.</summary>
        public string Detokenize(int[] ids, bool skipSpecial = false) =>
            Block.StringOf(DetokenizeBytes(ids, skipSpecial));

        /// <summary>Ids to bytes, as the tokens have them.</summary>
        public unsafe byte[] DetokenizeBytes(int[] ids, bool skipSpecial = false)
        {
            return held_.Call((tokenizer, outcome) =>
            {
                fixed (int* first = ids)
                    return tokenizer.detokenize((IntPtr)first, (ulong)ids.Length, Ids.Skipping(skipSpecial), outcome);
            });
        }

        /// <summary>Releases it.</summary>
        public override void Dispose() => held_.Dispose();
    }

    internal static class Ids
    {
        internal static uint Skipping(bool skipSpecial) =>
            skipSpecial ? (uint)NativeQuant.QUANT_TEXT_SKIP_SPECIAL : 0;
    }
}
