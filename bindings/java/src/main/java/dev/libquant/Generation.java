package dev.libquant;

import dev.libquant.internal.quant_generate_result;

/**
 * What a generation took.
 *
 * @param stop why it ended
 * @param promptTokens of the prompt, those kept from before included
 * @param cachedTokens of them, those that had not to be run again
 * @param generatedTokens the end token not counted
 * @param prefillSeconds for the prompt
 * @param decodeSeconds for what was generated
 * @param seed that was used
 * @param draftedTokens guesses that were run along
 * @param acceptedTokens those of them that were right
 */
public record Generation(
        StopReason stop, int promptTokens, int cachedTokens, int generatedTokens, double prefillSeconds, double
        decodeSeconds, long seed, int draftedTokens, int acceptedTokens) {

    static Generation of(quant_generate_result from) {
        return new Generation(StopReason.of(from.getStop()), (int) from.getPrompt_tokens(),
                (int) from.getCached_tokens(), (int) from.getGenerated_tokens(), from.getPrefill_seconds(),
                from.getDecode_seconds(), from.getSeed(), (int) from.getDrafted_tokens(),
                (int) from.getAccepted_tokens());
    }
}
