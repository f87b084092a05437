using System;

namespace LibQuant.Tests
{
    /// <summary>What a test expects.</summary>
    internal static class Check
    {
        internal sealed class Failed : Exception
        {
            internal Failed(string message) : base(message) { }
        }

        internal static void True(bool value, string what)
        {
            if (!value) throw new Failed(what);
        }

        internal static void Equal<T>(T wanted, T got, string what = "value")
        {
            if (!Equals(wanted, got)) throw new Failed($"{what}: <{wanted}> was expected, and came <{got}>");
        }

        internal static void Near(double wanted, double got, double tolerance, string what = "value")
        {
            if (!(Math.Abs(wanted - got) <= tolerance))
                throw new Failed($"{what}: {wanted} was expected within {tolerance}, and came {got}");
        }

        internal static E Throws<E>(Action body) where E : Exception
        {
            try { body(); }
            catch (E thrown) { return thrown; }
            throw new Failed($"{typeof(E).Name} was expected");
        }
    }
}
