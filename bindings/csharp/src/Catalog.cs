using System;
using System.Collections.Generic;
using LibQuant.Native;

namespace LibQuant
{
    /// <summary>The models on this machine, each variant with its measurements. One thread at a time.</summary>
    public sealed class Catalog : Handle
    {
        private readonly Held<NativeCatalog> held_;

        private Catalog(NativeCatalog made)
        {
            held_ = new Held<NativeCatalog>(made, nameof(Catalog));
        }

        /// <summary>Opens a catalog's file; null: this user's, in QUANT_HOME or where the library has it.</summary>
        public static Catalog Open(string path = null) =>
            new Catalog(Call.Of(outcome => NativeCatalog.open(Block.NameOf(path, nameof(path)), outcome)));

        /// <summary>Variants as they are now; null for all.</summary>
        public IReadOnlyList<Variant> List(string filter = null)
        {
            byte[] which = Block.NameOf(filter, nameof(filter));
            using (VariantList all = held_.Call((catalog, outcome) => catalog.list(which, outcome)))
            {
                var rows = new List<Variant>();
                for (ulong i = 0; i < all.count(); ++i)
                {
                    ulong index = i;
                    rows.Add(Call.Of(outcome => Call.Read(all.at(index, outcome), outcome, row => new Variant(row))));
                }
                return rows;
            }
        }

        /// <summary>The path of what a user means by a name or a path.</summary>
        public string Resolve(string name) =>
            Text((catalog, outcome) => catalog.resolve(Block.NameOf(name, nameof(name)), outcome));

        /// <summary>Takes up a GGUF file or a folder, which stays where it is. name: null for one after the file's name and
        /// type. What comes is the name it got.</summary>
        public string Import(string path, string name = null, Func<ProgressReport, bool> progress = null) =>
            Block.StringOf(held_.Call(progress, (catalog, sink, outcome) =>
                catalog.import_model(
                    Block.NameOf(path, nameof(path)), Block.NameOf(name, nameof(name)), sink, outcome)));

        /// <summary>Where a variant of that source and type belongs.</summary>
        public string OutputPath(string source, string type) => Text((catalog, outcome) =>
            catalog.output_path(Block.NameOf(source, nameof(source)), Block.NameOf(type, nameof(type)), outcome));

        /// <summary>Records what a plan has made; the variant's name.</summary>
        public string AddVariant(
            string source, Plan plan, string output, Func<ProgressReport, bool> progress = null)
        {
            return Block.StringOf(plan.With(made => held_.Call(progress, (catalog, sink, outcome) =>
                catalog.add_variant(Block.NameOf(source, nameof(source)), made, Block.NameOf(output, nameof(output)), sink,
                    outcome))));
        }

        /// <summary>Records a measurement of a variant, which List() then tells. against: the variant it was compared with, or
        /// null.</summary>
        public void RecordEvaluation(string name, string against, string textName, Evaluation result)
        {
            using (quant_eval_result made = result.Result())
                held_.Call((catalog, outcome) =>
                {
                    catalog.record_eval(Block.NameOf(name, nameof(name)), Block.NameOf(against, nameof(against)),
                        Block.NameOf(textName, nameof(textName)), made, outcome);
                    return 0;
                });
        }

        /// <summary>All that is known of a variant, as JSON.</summary>
        public string Show(string name) =>
            Text((catalog, outcome) => catalog.show(Block.NameOf(name, nameof(name)), outcome));

        /// <summary>Removes a variant, or all of a model; how many went. keepFile: forget it, but leave its file.</summary>
        public int Remove(string name, bool keepFile = false) =>
            held_.Call((catalog, outcome) => (int)catalog.remove(Block.NameOf(name, nameof(name)), keepFile, outcome));

        private string Text(Func<NativeCatalog, Outcome, byte[]> body) => Block.StringOf(held_.Call(body));

        /// <summary>Releases it.</summary>
        public override void Dispose() => held_.Dispose();
    }
}
