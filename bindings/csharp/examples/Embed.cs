using System;
using System.Linq;
using LibQuant;

/// <summary>How alike two texts are: Embed MODEL TEXT TEXT.</summary>
internal static class Embed
{
    private static void Main(string[] args)
    {
        using (Model model = Model.Open(args[0]))
        {
            var both = model.Embed(new[] { args[1], args[2] });
            double cosine = both[0].Values.Zip(both[1].Values, (a, b) => (double)a * b).Sum();
            Console.WriteLine($"{both[0].Dimensions} dimensions, cosine {cosine:F4}");
        }
    }
}
