using LibQuant.Native;

namespace LibQuant
{
    /// <summary>What a model is.</summary>
    public sealed class ModelInfo
    {
        /// <summary>General.name, or the file's name.</summary>
        public string Name { get; }

        /// <summary>Such as "llama".</summary>
        public string Architecture { get; }

        /// <summary>The type mix or encoding of most weights, such as "Q4_K_M".</summary>
        public string TypeName { get; }

        /// <summary>Elements of all tensors.</summary>
        public long Parameters { get; }

        /// <summary>Of all its files.</summary>
        public long FileBytes { get; }

        /// <summary>8 * tensor bytes / parameters.</summary>
        public double BitsPerWeight { get; }

        /// <summary>Tokens that it was trained for.</summary>
        public int ContextLength { get; }

        /// <summary>Ids of its tokenizer.</summary>
        public int VocabularySize { get; }

        /// <summary>Numbers of an activation.</summary>
        public int EmbeddingLength { get; }

        /// <summary>Blocks.</summary>
        public int Layers { get; }

        /// <summary>Of attention.</summary>
        public int Heads { get; }

        /// <summary>Of keys and values.</summary>
        public int KvHeads { get; }

        /// <summary>Whether chats can be rendered.</summary>
        public bool HasChatTemplate { get; }

        /// <summary>That a session keeps of each token.</summary>
        public long KvBytesPerToken { get; }

        /// <summary>False for an encoder, which makes embeddings only.</summary>
        public bool Generates { get; }

        /// <summary>What Pooling.DEFAULT means for it.</summary>
        public Pooling Pooling { get; }

        /// <summary>Tokens of a text that its embeddings were trained with at most.</summary>
        public int EmbeddingContextLength { get; }

        internal ModelInfo(quant_model_info from)
        {
            Name = from.name;
            Architecture = from.architecture;
            TypeName = from.type_name;
            Parameters = (long)from.parameters;
            FileBytes = (long)from.file_bytes;
            BitsPerWeight = from.bits_per_weight;
            ContextLength = (int)from.context_length;
            VocabularySize = (int)from.vocabulary_size;
            EmbeddingLength = (int)from.embedding_length;
            Layers = (int)from.layers;
            Heads = (int)from.heads;
            KvHeads = (int)from.kv_heads;
            HasChatTemplate = from.has_chat_template != 0;
            KvBytesPerToken = (long)from.kv_bytes_per_token;
            Generates = from.generates != 0;
            Pooling = (Pooling)(int)from.pooling;
            EmbeddingContextLength = (int)from.embedding_context_length;
        }
    }
}
