using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;

namespace LibQuant.Tests
{
    /// <summary>Runs the cases that all languages share.</summary>
    internal static class Conformance
    {
        internal static IEnumerable<Case> Cases()
        {
            string file = Environment.GetEnvironmentVariable("QUANT_CONFORMANCE");
            if (string.IsNullOrEmpty(file)) throw new Check.Failed("QUANT_CONFORMANCE names no cases.json");
            var all = (Dictionary<string, object>)JsonReader.Read(File.ReadAllText(file));
            Check.Equal(1.0, (double)all["format"], "format");
            return ((List<object>)all["cases"]).Select(one => new Case(one));
        }

        /// <summary>False: skipped.</summary>
        internal static bool Run(Case it)
        {
            switch (it.Kind)
            {
                case "version": Check.True(Quant.Version.StartsWith(it.Expected("prefix")), Quant.Version); break;
                case "encoding": DescribeEncoding(it); break;
                case "encode": Encode(it); break;
                case "tokenize": Tokenize(it); break;
                case "detokenize": Detokenize(it); break;
                case "render": Render(it); break;
                case "generate": using (Model model = Open(it)) Generate(it, model); break;
                case "shared": return Fixture.WithShared(model => Generate(it, model));
                case "logits": Logits(it); break;
                case "embed": Embed(it); break;
                case "perplexity": Perplexity(it); break;
                case "quantize": Quantize(it); break;
                case "quantize_cancelled": Cancelled(it); break;
                case "error": Error(it); break;
                case "catalog": List(it); break;
                case "callback_fails": CallbackFails(it); break;
                default: throw new Check.Failed("no runner for cases of kind " + it.Kind);
            }
            return true;
        }

        private static Model Open(Case it) =>
            Model.Open(it.Has("model") && it.Text("model") == "base" ? Fixture.Base : Fixture.Q8);

        private static TextFlags Flags(Case it) => (it.Is("add_special") ? TextFlags.AddSpecial : 0) |
            (it.Is("parse_special") ? TextFlags.ParseSpecial : 0);

        private static void DescribeEncoding(Case it)
        {
            Encoding found = LibQuant.Encoding.Find(it.Text("name"));
            Check.Equal((int)it.ExpectedNumber("id"), found.Id, "id");
            Check.Equal((int)it.ExpectedNumber("block_weights"), found.BlockWeights, "block_weights");
            Check.Equal((int)it.ExpectedNumber("block_bytes"), found.BlockBytes, "block_bytes");
            Check.Near(it.ExpectedNumber("bits_per_weight"), found.BitsPerWeight, 1e-9, "bits_per_weight");
        }

        private static void Encode(Case it)
        {
            Encoding encoding = LibQuant.Encoding.Find(it.Text("encoding"));
            int rows = it.Count("rows"), cols = it.Count("cols");
            byte[] codes = encoding.Encode(Fixture.Weights(rows * cols), rows, cols, it.Method<Method>("method"));
            Check.Equal((int)it.ExpectedNumber("bytes"), codes.Length, "bytes");
            Check.Equal(it.Expected("sha256"), Fixture.Sha256(codes), "sha256");
            float[] decoded = encoding.Decode(codes, rows, cols);
            var bytes = new byte[4 * decoded.Length];
            Buffer.BlockCopy(decoded, 0, bytes, 0, bytes.Length);
            Check.Equal(it.Expected("decoded_sha256"), Fixture.Sha256(bytes), "decoded_sha256");
        }

        private static void Tokenize(Case it)
        {
            using (Model model = Open(it))
                Check.Equal(string.Join(",", it.ExpectedList("ids")),
                    string.Join(",", model.Tokenize(it.Bytes("text"), Flags(it))), "ids");
        }

        private static void Detokenize(Case it)
        {
            using (Model model = Open(it))
                Check.Equal(Fixture.Hex(it.ExpectedBytes("text")),
                    Fixture.Hex(model.DetokenizeBytes(it.Ids("ids"), it.Is("skip_special"))), "text");
        }

        private static void Render(Case it)
        {
            Chat chat = Chat.OfJson(it.JsonText("messages"));
            chat.GenerationPrompt = it.Is("add_generation_prompt");
            Check.Equal(it.Expected("text"), chat.Render(it.Text("template"), "template"), "text");
        }

        private static void Generate(Case it, Model model)
        {
            var text = new StringBuilder();
            int pieces = 0, stopAfter = it.Has("stop_after") ? it.Count("stop_after") : int.MaxValue;
            using (Session session = model.Session())
            {
                Prompt prompt = new Prompt(it.Bytes("prompt")) { MaxTokens = it.Count("max_tokens") }.Greedy();
                Generation took = session.Generate(prompt, piece =>
                {
                    text.Append(piece);
                    return ++pieces < stopAfter;
                });
                Check.Equal(Case.Encoding8.GetString(it.ExpectedBytes("text")), text.ToString(), "text");
                Check.Equal(it.Expected("stop"), took.Stop.ToString().ToUpperInvariant(), "stop");
                Check.Equal((int)it.ExpectedNumber("prompt_tokens"), took.PromptTokens, "prompt_tokens");
                Check.Equal((int)it.ExpectedNumber("generated_tokens"), took.GeneratedTokens, "generated_tokens");
            }
        }

        private static void Logits(Case it)
        {
            using (Model model = Open(it))
            using (Session session = model.Session())
            {
                float[] logits = session.Logits(it.Ids("ids"));
                Check.Equal((int)it.ExpectedNumber("argmax"), Array.IndexOf(logits, logits.Max()), "argmax");
                List<object> at = it.ExpectedList("at"), values = it.ExpectedList("values");
                for (int i = 0; i < at.Count; ++i)
                    Check.Near((double)values[i], logits[(int)(double)at[i]], it.Tolerance, "logit " + at[i]);
            }
        }

        private static void Embed(Case it)
        {
            using (Model model = Open(it))
            {
                IReadOnlyList<Embedding> made = model.Embed(it.Strings("texts"));
                List<object> first = it.ExpectedList("first");
                Check.Equal(first.Count, made.Count, "count");
                for (int i = 0; i < made.Count; ++i)
                {
                    Check.Equal((int)it.ExpectedNumber("dimensions"), made[i].Dimensions, "dimensions");
                    var row = (List<object>)first[i];
                    for (int k = 0; k < row.Count; ++k)
                        Check.Near((double)row[k], made[i].Values[k], it.Tolerance, $"value {k} of text {i}");
                }
            }
        }

        private static void Perplexity(Case it)
        {
            using (Model model = Open(it))
            {
                Evaluation result = model.Evaluate(Case.Encoding8.GetString(it.Bytes("text")));
                double wanted = it.ExpectedNumber("perplexity");
                Check.Near(wanted, result.Ppl, wanted * it.Tolerance, "perplexity");
                Check.Equal((long)it.ExpectedNumber("tokens"), result.Tokens, "tokens");
            }
        }

        private static void Quantize(Case it)
        {
            string output = Path.Combine(Fixture.NewFolder("quantize"), "out.gguf");
            int calls = 0;
            var options = new QuantizeOptions { Type = it.Text("type"), Method = it.Method<Method>("method") };
            Plan.Quantize(Fixture.Base, output, options, report =>
            {
                Check.True(report.Total == 0 || report.Done <= report.Total, "done is over total");
                ++calls;
                return true;
            });
            Check.True(calls > 0, "no progress");
            Check.Equal((long)it.ExpectedNumber("bytes"), new FileInfo(output).Length, "bytes");
        }

        private static void Cancelled(Case it)
        {
            string folder = Fixture.NewFolder("cancelled");
            var thrown = Check.Throws<QuantException>(() => Plan.Quantize(Fixture.Base, Path.Combine(folder, "out.gguf"),
                new QuantizeOptions { Type = it.Text("type") }, report => false));
            Check.Equal(it.Expected("status"), StatusName(thrown.Status), "status");
            Check.Equal(it.ExpectedList("left").Count, Directory.GetFileSystemEntries(folder).Length, "left");
        }

        private static void Error(Case it)
        {
            var thrown = Check.Throws<QuantException>(() => Call(it));
            Check.Equal(it.Expected("status"), StatusName(thrown.Status), "status");
            Check.True(thrown.Message.Contains(it.Expected("message_has")), thrown.Message);
        }

        /// <summary>NotFound as NOT_FOUND.</summary>
        private static string StatusName(Status status)
        {
            string name = status.ToString();
            var words = name.Select((c, i) => i > 0 && char.IsUpper(c) && !char.IsUpper(name[i - 1]) ? "_" + c : c.ToString());
            return string.Concat(words).ToUpperInvariant();
        }

        private static void Call(Case it)
        {
            switch (it.Text("call"))
            {
                case "open_model": Model.Open(it.Text("path")); break;
                case "open_tokenizer": Tokenizer.Open(it.Text("path")); break;
                case "find_encoding": LibQuant.Encoding.Find(it.Text("name")); break;
                case "encode":
                    LibQuant.Encoding.Find(it.Text("encoding")).Encode(Fixture.Weights(it.Count("rows") * it.Count("cols")),
                        it.Count("rows"), it.Count("cols"), Method.Default);
                    break;
                case "detokenize": using (Model model = Open(it)) model.DetokenizeBytes(it.Ids("ids")); break;
                case "render": Chat.OfJson(it.JsonText("messages")).Render(it.Text("template"), "template"); break;
                case "plan": Plan.Make(Fixture.Base, new QuantizeOptions { Type = it.Text("type") }); break;
                case "resolve":
                    using (Catalog catalog = Catalog.Open(Path.Combine(Fixture.NewFolder("errors"), "catalog.db")))
                        catalog.Resolve(it.Text("name"));
                    break;
                case "open_shared":
                    Model.OpenShared(it.Text("name"), new SharedOptions { Socket = it.Text("socket") });
                    break;
                default: throw new Check.Failed("no runner for the call " + it.Text("call"));
            }
        }

        private static void List(Case it)
        {
            using (Catalog catalog = Catalog.Open(Path.Combine(Fixture.NewFolder("catalog"), "catalog.db")))
            {
                string name = catalog.Import(Fixture.Q8, it.Text("name"));
                Check.Equal(it.Expected("name"), name, "name");
                Variant row = catalog.List().Single(one => one.Name == name);
                Check.Equal(it.Expected("model"), row.Model, "model");
                Check.Equal(it.Expected("variant"), row.Type, "variant");
                Check.Near(8.5, row.BitsPerWeight, 0.1, "bits_per_weight");
                Check.True(catalog.Show(name).Contains(it.Expected("variant")), "show");
                Check.Equal(new FileInfo(Fixture.Q8).Length, new FileInfo(catalog.Resolve(name)).Length, "resolved");
                Check.Equal(1, catalog.Remove(name, keepFile: true), "removed");
                Check.True(File.Exists(Fixture.Q8), "the file is kept");
            }
        }

        private static void CallbackFails(Case it)
        {
            var own = new FormatException("of the callback");
            using (Model model = Open(it))
            using (Session session = model.Session())
            {
                Prompt prompt = new Prompt(it.Text("prompt")) { MaxTokens = it.Count("max_tokens") }.Greedy();
                var thrown = Check.Throws<FormatException>(() => session.Generate(prompt, piece => throw own));
                Check.True(ReferenceEquals(own, thrown), "another exception came");
            }
        }
    }
}
