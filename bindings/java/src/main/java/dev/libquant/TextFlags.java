package dev.libquant;

import dev.libquant.internal.NativeQuantConstants;

/**
 * What tokenizing does with special tokens.
 *
 * @param addSpecial add the BOS and EOS tokens that the model wants
 * @param parseSpecial special tokens written in the text become their ids
 */
public record TextFlags(boolean addSpecial, boolean parseSpecial) {
    /** Of a prompt that a template has written, or that is one as it stands. */
    public static final TextFlags PROMPT = new TextFlags(true, true);
    /** Of text that is only text. */
    public static final TextFlags PLAIN = new TextFlags(false, false);

    long bits() {
        return (addSpecial ? NativeQuantConstants.QUANT_TEXT_ADD_SPECIAL : 0)
                | (parseSpecial ? NativeQuantConstants.QUANT_TEXT_PARSE_SPECIAL : 0);
    }

    static long skipping(boolean skipSpecial) {
        return skipSpecial ? NativeQuantConstants.QUANT_TEXT_SKIP_SPECIAL : 0;
    }
}
