using System;
using LibQuant;

/// <summary>Goes on from a text: Generate MODEL [TEXT].</summary>
internal static class Generate
{
    private static void Main(string[] args)
    {
        using (Model model = Model.Open(args[0]))
        using (Session session = model.Session())
        {
            var prompt = new Prompt(args.Length > 1 ? args[1] : "In the beginning") { MaxTokens = 48 };
            foreach (string piece in session.Stream(prompt)) Console.Write(piece);
            Console.WriteLine($"\n{session.LastGeneration.GeneratedTokens} tokens");
        }
    }
}
