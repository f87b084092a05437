using System;
using LibQuant.Native;

namespace LibQuant
{
    /// <summary>A model. May be used by several threads; sessions and schedulers keep what they need of it when it is
    /// disposed of.</summary>
    public sealed partial class Model : Handle
    {
        private readonly Held<NativeModel> held_;

        private Model(NativeModel made)
        {
            held_ = new Held<NativeModel>(made, nameof(Model));
        }

        /// <summary>Opens a GGUF file, or a folder with config.json and safetensors; weights stay mapped.</summary>
        public static Model Open(string path, OpenOptions options = null)
        {
            options = options ?? new OpenOptions();
            uint flags = options.Prefault ? (uint)NativeQuant.QUANT_OPEN_PREFAULT : 0;
            return new Model(Call.Of(options.Progress, (sink, outcome) => NativeModel.open(
                Block.NameOf(path, nameof(path)), flags, Block.NameOf(options.Numa, nameof(options.Numa)),
                Block.NameOf(options.PackCache, nameof(options.PackCache)), sink, outcome)));
        }

        /// <summary>Opens what a user means by a name: of this user's catalog, or a path.</summary>
        public static Model OpenNamed(string name, OpenOptions options = null)
        {
            using (Catalog catalog = Catalog.Open()) return Open(catalog.Resolve(name), options);
        }

        /// <summary>Borrows a model from the daemon, whose memory it stays; QuantException of Status.Unavailable where no
        /// daemon answers.</summary>
        public static Model OpenShared(string name, SharedOptions options = null)
        {
            options = options ?? new SharedOptions();
            uint flags = options.Verify ? (uint)NativeQuant.QUANT_SHARED_VERIFY : 0;
            return new Model(Call.Of(options.Progress, (sink, outcome) => NativeModel.open_shared(
                Block.NameOf(name, nameof(name)), flags, Block.NameOf(options.Socket, nameof(options.Socket)),
                options.Timeout.TotalSeconds, sink, outcome)));
        }

        /// <summary>What it is.</summary>
        public ModelInfo Info() => held_.Call((model, outcome) =>
            Call.Read(model.info(outcome), outcome, info => new ModelInfo(info)));

        /// <summary>Begins an empty sequence.</summary>
        public Session Session(SessionOptions options = null) =>
            held_.With(model => LibQuant.Session.Open(model, options ?? new SessionOptions()));

        /// <summary>Begins to run requests of many callers.</summary>
        public Scheduler Scheduler(SchedulerOptions options = null) =>
            held_.With(model => LibQuant.Scheduler.Open(model, options ?? new SchedulerOptions()));

        /// <summary>Text to ids; it may hold NUL.</summary>
        public int[] Tokenize(string text, TextFlags flags) => Tokenize(Block.Utf8Of(text), flags);

        /// <summary>Bytes to ids: any bytes, meant as UTF-8.</summary>
        public int[] Tokenize(byte[] text, TextFlags flags) =>
            held_.Call((model, outcome) => model.tokenize(text, (uint)flags, outcome));

        /// <summary>Ids to text; sequences that are no UTF-8 become U+FFFD.</summary>
        public string Detokenize(int[] ids, bool skipSpecial = false) =>
            Block.StringOf(DetokenizeBytes(ids, skipSpecial));

        /// <summary>Ids to bytes, as the tokens have them.</summary>
        public unsafe byte[] DetokenizeBytes(int[] ids, bool skipSpecial = false)
        {
            return held_.Call((model, outcome) =>
            {
                fixed (int* first = ids)
                    return model.detokenize((IntPtr)first, (ulong)ids.Length, Ids.Skipping(skipSpecial), outcome);
            });
        }

        /// <summary>Renders the model's own chat template.</summary>
        public string Render(Chat chat)
        {
            using (NativeRenderOptions how = chat.Options())
                return Block.StringOf(held_.Call((model, outcome) => model.render_chat(how, outcome)));
        }

        internal R With<R>(Func<NativeModel, R> body) => held_.With(body);

        /// <summary>Releases it.</summary>
        public override void Dispose() => held_.Dispose();
    }
}
