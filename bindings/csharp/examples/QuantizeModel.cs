using System;
using LibQuant;

/// <summary>Quantizes a model: QuantizeModel SOURCE OUTPUT [TYPE].</summary>
internal static class QuantizeModel
{
    private static void Main(string[] args)
    {
        var options = new QuantizeOptions { Type = args.Length > 2 ? args[2] : "Q4_K_M" };
        PlanSummary made = Plan.Quantize(args[0], args[1], options, report =>
        {
            Console.WriteLine($"{100 * report.Done / Math.Max(1, report.Total),3} % {report.Stage}");
            return true; // false would cancel, and leave nothing behind
        });
        Console.WriteLine($"{made.OutputBytes} bytes, {made.BitsPerWeight:F2} bits a weight");
    }
}
