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

    /// <summary>Against C, and against the same generation without a callback, which noise between processes does not
    /// reach.</summary>
    private static void Callbacks(string baseline, string path, int rounds)
    {
        double[] native = new double[rounds], managed = new double[8 * rounds], silent = new double[8 * rounds];
        using (Model model = Model.Open(path))
        {
            for (int i = 0; i < 8; ++i) Generate(model, piece => true); // The compiler's warming up.
            for (int i = 0; i < 8 * rounds; ++i)
            {
                if (i % 8 == 0) native[i / 8] = Seconds(baseline, $"callbacks {path} {Tokens}");
                silent[i] = Generate(model, null);
                managed[i] = Generate(model, piece => true);
            }
        }
        Console.WriteLine("callbacks, us a token: C {0:F1}, C# {1:F1}, without one {2:F1}; over C {3:F2}, over none {4:F2}",
            1e6 * Median(native), 1e6 * Median(managed), 1e6 * Median(silent), 1e6 * (Median(managed) - Median(native)),
            1e6 * (Median(managed) - Median(silent)));
    }

    private static double Generate(Model model, Func<string, bool> text)
    {
        using (Session session = model.Session())
        {
            Generation took = session.Generate(new Prompt("And") { MaxTokens = Tokens }.Greedy(), text);
            return took.DecodeSeconds / took.GeneratedTokens;
        }
    }

    /// <summary>C's figure is of the first call of a process, which starts the workers; C#'s is the best of three.</summary>
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
