using System;
using System.IO;
using System.Linq;
using System.Threading;

namespace LibQuant.Tests
{
    /// <summary>Rounds of opening and closing: memory and descriptors stay as they are after the first tenth.</summary>
    internal static class LeakTests
    {
        internal static void Tokenizers() => Rounds(10000, 16, () => Tokenizer.Open(Fixture.Q8).Dispose());

        internal static void Models() => Rounds(300, 24, () =>
        {
            using (Model model = Model.Open(Fixture.Q8))
            using (Session session = model.Session())
                session.Generate(new Prompt("In") { MaxTokens = 1 }.Greedy(), piece => false);
        });

        internal static void HandlesThatNobodyDisposesOf()
        {
            int round = 0;
            Rounds(400, 64, () =>
            {
                Model.Open(Fixture.Q8).Session();
                if (++round % 10 == 0) Collect();
            });
        }

        private static void Rounds(int count, int mebibytes, Action round)
        {
            for (int i = 0; i < count / 10; ++i) round();
            Collect();
            long memory = ResidentMiB(), descriptors = Descriptors();
            for (int i = 0; i < count; ++i) round();
            Collect();
            Check.True(ResidentMiB() <= memory + mebibytes, $"{memory} MiB became {ResidentMiB()}");
            Check.True(Descriptors() <= descriptors + 2, $"{descriptors} descriptors became {Descriptors()}");
        }

        private static void Collect()
        {
            for (int i = 0; i < 2; ++i)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }

        private static long ResidentMiB()
        {
            string line = File.ReadAllLines("/proc/self/status").First(one => one.StartsWith("VmRSS:"));
            return long.Parse(new string(line.Where(char.IsDigit).ToArray())) / 1024;
        }

        private static long Descriptors() => Directory.GetFileSystemEntries("/proc/self/fd").Length;
    }
}
