using System;
using System.Runtime.InteropServices;
using System.Text;

namespace LibQuant
{
    /// <summary>Between managed memory and blocks of native code: a length of 8 bytes, and so many bytes.</summary>
    internal static class Block
    {
        private const int Header = 8;
        private static readonly UTF8Encoding Utf8 = new UTF8Encoding(false);

        internal static byte[] Utf8Of(string text) => text == null ? Array.Empty<byte>() : Utf8.GetBytes(text);

        /// <summary>Of what the library reads up to a NUL: one inside, which would cut it off, is an
        /// ArgumentException.</summary>
        internal static byte[] NameOf(string text, string what)
        {
            if (text != null && text.IndexOf('\0') >= 0)
                throw new ArgumentException("it holds a NUL character: " + text.Replace("\0", "\\0"), what);
            return Utf8Of(text);
        }

        /// <summary>Sequences that are no UTF-8 become U+FFFD.</summary>
        internal static string StringOf(byte[] utf8) => Utf8.GetString(utf8);

        internal static unsafe string StringOf(IntPtr text, ulong bytes) =>
            bytes == 0 ? "" : Utf8.GetString((byte*)text, checked((int)bytes));

        internal static byte[] Of(byte[] bytes)
        {
            var block = new byte[Header + bytes.Length];
            Buffer.BlockCopy(BitConverter.GetBytes((ulong)bytes.Length), 0, block, 0, Header);
            Buffer.BlockCopy(bytes, 0, block, Header, bytes.Length);
            return block;
        }

        internal static byte[] TakeBytes(IntPtr block)
        {
            var bytes = new byte[LengthOf(block)];
            return Take(block, () => Marshal.Copy(block + Header, bytes, 0, bytes.Length), bytes);
        }

        /// <summary>Null for NULL, which here is a string that is not there.</summary>
        internal static string TakeString(IntPtr block) => block == IntPtr.Zero ? null : StringOf(TakeBytes(block));

        internal static int[] TakeInts(IntPtr block)
        {
            var values = new int[LengthOf(block) / sizeof(int)];
            return Take(block, () => Marshal.Copy(block + Header, values, 0, values.Length), values);
        }

        internal static float[] TakeFloats(IntPtr block)
        {
            var values = new float[LengthOf(block) / sizeof(float)];
            return Take(block, () => Marshal.Copy(block + Header, values, 0, values.Length), values);
        }

        /// <summary>A string that a callback was lent, copied.</summary>
        internal static byte[] Lent(IntPtr text)
        {
            IntPtr data = quant_managed_lent(text, out ulong size);
            var bytes = new byte[checked((int)size)];
            Marshal.Copy(data, bytes, 0, bytes.Length);
            return bytes;
        }

        private static int LengthOf(IntPtr block)
        {
            if (block == IntPtr.Zero) throw new OutOfMemoryException("no memory for what native code hands over");
            return checked((int)Marshal.ReadInt64(block));
        }

        private static T Take<T>(IntPtr block, Action copy, T copied)
        {
            try { copy(); } finally { quant_managed_free(block); }
            return copied;
        }

        [DllImport("quant_csharp")]
        private static extern void quant_managed_free(IntPtr block);

        [DllImport("quant_csharp")]
        private static extern IntPtr quant_managed_lent(IntPtr text, out ulong size);
    }

    /// <summary>Bytes as a block, which stays where it is until this is disposed of.</summary>
    internal sealed class Pinned : IDisposable
    {
        private GCHandle handle_;

        internal Pinned(byte[] bytes)
        {
            handle_ = GCHandle.Alloc(Block.Of(bytes), GCHandleType.Pinned);
        }

        internal IntPtr Pointer => handle_.AddrOfPinnedObject();

        public void Dispose() => handle_.Free();
    }
}
