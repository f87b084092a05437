using System;
using System.IO;
using System.Linq;

namespace LibQuant.Tests
{
    internal static class HandleTests
    {
        internal static void ADisposedHandleSaysSo()
        {
            Model model = Model.Open(Fixture.Q8);
            Session session = model.Session();
            model.Dispose();
            model.Dispose();
            Check.Throws<ObjectDisposedException>(() => model.Info());
            Check.Throws<ObjectDisposedException>(() => model.Session());
            Check.True(session.Generate(new Prompt("In the") { MaxTokens = 2 }.Greedy()).Length > 0, "text");
            session.Dispose();
            Check.Throws<ObjectDisposedException>(() => { int unused = session.Length; });
            Check.Throws<ObjectDisposedException>(() => session.Stream(new Prompt("x")).Count());
        }

        internal static void DisposingInACallbackWaitsForTheCall()
        {
            Model model = Model.Open(Fixture.Q8);
            Session session = model.Session();
            Generation took = session.Generate(new Prompt("In the beginning") { MaxTokens = 8 }.Greedy(), piece =>
            {
                session.Dispose();
                model.Dispose();
                return true;
            });
            Check.Equal(8, took.GeneratedTokens);
            Check.Throws<ObjectDisposedException>(() => { int unused = session.Length; });
        }

        internal static void ASessionInUseSaysSo()
        {
            using (Model model = Model.Open(Fixture.Q8))
            using (Session session = model.Session())
            {
                var thrown = Check.Throws<InvalidOperationException>(
                    () => session.Generate(new Prompt("In the") { MaxTokens = 4 }, piece => session.Length > 0));
                Check.True(thrown.Message.Contains("in use"), thrown.Message);
                Check.True(session.Length > 0, "length");
            }
        }

        internal static void TextKeepsNulAndEmoji()
        {
            using (Tokenizer tokenizer = Tokenizer.Open(Fixture.Base))
            {
                const string text = "a\0b \U0001F600 \u00e9";
                Check.Equal(text, tokenizer.Detokenize(tokenizer.Tokenize(text, TextFlags.Plain)));
                byte[] broken = { (byte)'a', 0xff, 0, (byte)'b' };
                byte[] back = tokenizer.DetokenizeBytes(tokenizer.Tokenize(broken, TextFlags.Plain));
                Check.True(broken.SequenceEqual(back), "bytes");
                Check.True(tokenizer.Size > 0, "size");
            }
        }

        internal static void NamesAreNotCutAtANul()
        {
            Check.Throws<ArgumentException>(() => LibQuant.Encoding.Find("q8_0\0 or another"));
            Check.Throws<ArgumentException>(() => Model.Open(Fixture.Q8 + "\0.gguf"));
            Check.Throws<ArgumentException>(() => Model.OpenNamed("kjv-5m\0:Q4_K_M"));
            Check.Throws<ArgumentException>(() => Model.OpenShared("kjv-5m\0"));
            Check.Throws<ArgumentException>(() => Tokenizer.Open(Fixture.Base + "\0"));
            Check.Throws<ArgumentException>(
                () => Plan.Make(Fixture.Base, new QuantizeOptions { Type = "Q8_0\0_but_larger" }));
            Check.Throws<ArgumentException>(
                () => Plan.Make(Fixture.Base, new QuantizeOptions { Type = "Q8_0" }.Override("token\0", "F16")));
            Check.Throws<ArgumentException>(() => new Chat().User("x").Render("{{ 1 }}", "a\0b"));
        }

        internal static void ChatsAreEscaped()
        {
            const string template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}";
            const string text = "\"quoted\" \\ \n\t\u0001 \U0001F600";
            Check.Equal("<user>" + text, new Chat().User(text).Render(template, "t"));
            var thrown = Check.Throws<QuantException>(() => new Chat().User("x").Render("{% if %}", "mine"));
            Check.Equal(Status.Template, thrown.Status);
            Check.True(thrown.Message.Contains("mine"), thrown.Message);
        }

        internal static void ArraysOfAnotherLengthAreRefused()
        {
            Encoding q8 = LibQuant.Encoding.Find("q8_0");
            Check.Throws<ArgumentException>(() => q8.Encode(new float[31], 1, 32, Method.Round));
            Check.Throws<ArgumentException>(
                () => q8.Encode(new float[32], 1, 32, Method.Round, null, new byte[33], null));
            Check.Throws<ArgumentException>(() => q8.Decode(new byte[33], 1, 32));
        }

        internal static void ProgressMayThrow()
        {
            var own = new FormatException("mine");
            string output = Path.Combine(Fixture.Scratch, "never.gguf");
            var thrown = Check.Throws<FormatException>(() =>
                Plan.Quantize(Fixture.Base, output, new QuantizeOptions { Type = "Q4_0" }, report => throw own));
            Check.True(ReferenceEquals(own, thrown), "another exception came");
            Check.True(!File.Exists(output), "something was left");
        }

        internal static void APlanTellsItsTensors()
        {
            QuantizeOptions options = new QuantizeOptions { Type = "q4_k_m" }.Override("token_embd", "Q8_0");
            using (Plan plan = Plan.Make(Fixture.Base, options))
            {
                Check.Equal(plan.Summary().Tensors, (long)plan.Tensors().Count);
                PlanTensor table = plan.Tensors().First(one => one.Name.StartsWith("token_embd"));
                Check.Equal("Q8_0", table.Encoding.Name);
                Check.Equal(2, table.Shape.Count);
            }
            Check.True(TypeMix.List().Any(type => type.Name == "Q4_K_M"), "types");
        }

        internal static void AMeasurementIsRecorded()
        {
            using (Model model = Model.Open(Fixture.Q8))
            using (Model reference = Model.Open(Fixture.Base))
            using (Catalog catalog = Catalog.Open(Path.Combine(Fixture.NewFolder("measured"), "catalog.db")))
            {
                string text = string.Concat(
                    Enumerable.Repeat("In the beginning God created the heaven and the earth. ", 40));
                var options = new EvaluateOptions { ContextLength = 64, Chunks = 2 };
                Evaluation result = model.Evaluate(text, reference, options, report => true);
                Check.True(result.Ppl > 1 && result.KldMean >= 0 && result.KldMean < 0.1, "divergence");
                string name = catalog.Import(Fixture.Q8, "measured:Q8_0");
                catalog.RecordEvaluation(name, null, "genesis", result);
                Check.Near(result.Ppl, catalog.List(name)[0].Ppl, 1e-9, "perplexity");
            }
        }
    }
}
