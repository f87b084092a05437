using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Threading;

namespace LibQuant.Tests
{
    /// <summary>What the tests run on: the small model, a file quantized from it, and a folder for scratch.</summary>
    internal static class Fixture
    {
        private static readonly Lazy<string> Made = new Lazy<string>(MakeQ8);

        internal static readonly string Base =
            Path.Combine(Environment.GetEnvironmentVariable("QUANT_SHARE") ?? "share", "models", "kjv-5m");

        internal static readonly string Scratch =
            Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), "quant-csharp-" + Guid.NewGuid())).FullName;

        internal static string Q8 => Made.Value;

        private static string MakeQ8()
        {
            string path = Path.Combine(Scratch, "q8.gguf");
            Plan.Quantize(Base, path, new QuantizeOptions { Type = "Q8_0", Method = Method.Round });
            return path;
        }

        internal static string NewFolder(string name) =>
            Directory.CreateDirectory(Path.Combine(Scratch, name + "-" + Guid.NewGuid().ToString("N").Substring(0, 8))).FullName;

        internal static float[] Weights(int count) =>
            Enumerable.Range(0, count).Select(i => ((i * 7919L + 13) % 2001 - 1000) / 1024f).ToArray();

        internal static string Sha256(byte[] bytes)
        {
            using (SHA256 sha = SHA256.Create()) return Hex(sha.ComputeHash(bytes));
        }

        internal static string Hex(byte[] bytes) => BitConverter.ToString(bytes).Replace("-", "").ToLowerInvariant();

        /// <summary>What is done with a model of a daemon that has a catalog of its own; false where QUANTD names none.</summary>
        internal static bool WithShared(Action<Model> body)
        {
            string program = Environment.GetEnvironmentVariable("QUANTD");
            if (string.IsNullOrEmpty(program)) return false;
            string home = NewFolder("home"), socket = Path.Combine(home, "s");
            using (Catalog catalog = Catalog.Open(Path.Combine(home, "catalog.db"))) catalog.Import(Q8, "shared:Q8_0");
            var start = new ProcessStartInfo(program, "--socket " + socket) { UseShellExecute = false };
            start.EnvironmentVariables["QUANT_HOME"] = home;
            using (Process daemon = Process.Start(start))
            {
                try
                {
                    for (int i = 0; i < 200 && !File.Exists(socket); ++i) Thread.Sleep(50);
                    var options = new SharedOptions { Socket = socket, Timeout = TimeSpan.FromSeconds(60) };
                    using (Model model = Model.OpenShared("shared:Q8_0", options)) body(model);
                }
                finally
                {
                    daemon.Kill();
                    daemon.WaitForExit();
                }
            }
            return true;
        }
    }
}
