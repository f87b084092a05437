using System;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Text.RegularExpressions;
using LibQuant;

/// <summary>What C# costs over C, in turns with the program that bindings/conformance/baseline.c is:
/// Overhead BASELINE MODEL [ROUNDS].</summary>
internal static class Overhead
{
    private const int Tokens = 256, MiB = 64;

    private static void Main(string[] args)
    {
        int rounds = args.Length > 2 ? int.Parse(args[2]) : 7;
        Callbacks(args[0], args[1], rounds);
        foreach (string name in new[] { "Q8_0", "Q4_0" }) Encode(args[0], name, rounds);
    }

    private static void Callbacks(string baseline, string path, int rounds)
    {
        var managed = new double[rounds];
        var native = new double[rounds];
        using (Model model = Model.Open(path))
        {
            Generate(model); // The compiler's warming up.
            Generate(model);
            for (int i = 0; i < rounds; ++i)
            {
                native[i] = Seconds(baseline, $"callbacks {path} {Tokens}");
                managed[i] = Generate(model);
            }
        }
        Console.WriteLine("callbacks: C {0:F1} us, C# {1:F1} us a token; over C {2:F2} us", 1e6 * Median(native),
            1e6 * Median(managed), 1e6 * (Median(managed) - Median(native)));
    }

    private static double Generate(Model model)
    {
        using (Session session = model.Session())
        {
            Stopwatch watch = Stopwatch.StartNew();
            Prompt prompt = new Prompt("In the beginning") { MaxTokens = Tokens }.Greedy();
            int tokens = session.Generate(prompt, piece => true).GeneratedTokens;
            return watch.Elapsed.TotalSeconds / tokens;
        }
    }

    private static void Encode(string baseline, string name, int rounds)
    {
        const int cols = 4096, rows = MiB * (1 << 18) / cols;
        var weights = new float[rows * cols];
        for (long i = 0; i < weights.Length; ++i) weights[i] = ((i * 7919 + 13) % 2001 - 1000) / 1024f;
        Encoding encoding = Encoding.Find(name);
        var codes = new byte[encoding.EncodedSize(rows, cols)];
        var managed = new double[rounds];
        var native = new double[rounds];
        for (int i = 0; i < rounds; ++i)
        {
            native[i] = Seconds(baseline, $"encode {name} {MiB}");
            managed[i] = Enumerable.Range(0, 3).Min(k =>
            {
                Stopwatch watch = Stopwatch.StartNew();
                encoding.Encode(weights, rows, cols, Method.Round, null, codes, null);
                return watch.Elapsed.TotalSeconds;
            });
        }
        Console.WriteLine("encode {0}, {1} MiB: C {2:F1} ms, C# {3:F1} ms, {4:F1} % of C's speed", name, MiB,
            1e3 * Median(native), 1e3 * Median(managed), 100 * Median(native) / Median(managed));
    }

    /// <summary>Of the JSON that the program prints.</summary>
    private static double Seconds(string program, string arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true };
        using (Process process = Process.Start(start))
        {
            string json = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return double.Parse(Regex.Match(json, "\"seconds\\w*\"\\s*:\\s*([-+.0-9eE]+)").Groups[1].Value,
                CultureInfo.InvariantCulture);
        }
    }

    private static double Median(double[] values) => values.OrderBy(one => one).ElementAt(values.Length / 2);
}
