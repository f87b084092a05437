package dev.libquant;

import dev.libquant.internal.quant_model_info;

/**
 * What a model is.
 *
 * @param name general.name, or the file's name
 * @param architecture such as "llama"
 * @param typeName the type mix or encoding of most weights, such as "Q4_K_M"
 * @param parameters elements of all tensors
 * @param fileBytes of all its files
 * @param bitsPerWeight 8 * tensor bytes / parameters
 * @param contextLength tokens that it was trained for
 * @param vocabularySize ids of its tokenizer
 * @param embeddingLength numbers of an activation
 * @param layers blocks
 * @param heads of attention
 * @param kvHeads of keys and values
 * @param hasChatTemplate whether chats can be rendered
 * @param kvBytesPerToken that a session keeps of each token
 * @param generates false for an encoder, which makes embeddings only
 * @param pooling what Pooling.DEFAULT means for it
 * @param embeddingContextLength tokens of a text that its embeddings were trained with at most
 */
public record ModelInfo(
        String name, String architecture, String typeName, long parameters, long fileBytes, double bitsPerWeight, int
        contextLength, int vocabularySize, int embeddingLength, int layers, int heads, int kvHeads, boolean
        hasChatTemplate, long kvBytesPerToken, boolean generates, Pooling pooling, int embeddingContextLength) {

    static ModelInfo of(quant_model_info from) {
        return new ModelInfo(from.getName(), from.getArchitecture(), from.getType_name(), from.getParameters(),
                from.getFile_bytes(), from.getBits_per_weight(), (int) from.getContext_length(),
                (int) from.getVocabulary_size(), (int) from.getEmbedding_length(), (int) from.getLayers(),
                (int) from.getHeads(), (int) from.getKv_heads(), from.getHas_chat_template() != 0,
                from.getKv_bytes_per_token(), from.getGenerates() != 0, Pooling.of(from.getPooling()),
                (int) from.getEmbedding_context_length());
    }
}
