package dev.libquant;

import dev.libquant.internal.NativeTokenizer;
import java.nio.file.Path;

/** A tokenizer without its model. May be used by several threads. */
public final class Tokenizer extends Handle<NativeTokenizer> {
    private Tokenizer(NativeTokenizer made) {
        super(made, made::delete);
    }

    /**
     * Opens the tokenizer of a model.
     *
     * @param path a GGUF file, a tokenizer.json, or a folder that holds one
     * @return to be closed
     */
    public static Tokenizer open(Path path) {
        return new Tokenizer(Call.of(outcome -> NativeTokenizer.open(Utf8.bytes(path), outcome)));
    }

    /**
     * How many ids it has.
     *
     * @return special ones included
     */
    public long size() {
        return with(NativeTokenizer::size);
    }

    /**
     * Text to ids.
     *
     * @param text may hold NUL
     * @param flags what to do with special tokens
     * @return the ids
     */
    public int[] tokenize(String text, TextFlags flags) {
        return tokenize(Utf8.bytes(text), flags);
    }

    /**
     * Bytes to ids.
     *
     * @param text any bytes, meant as UTF-8
     * @param flags what to do with special tokens
     * @return the ids
     */
    public int[] tokenize(byte[] text, TextFlags flags) {
        return call((tokenizer, outcome) -> tokenizer.tokenize(text, flags.bits(), outcome));
    }

    /**
     * Ids to text.
     *
     * @param ids of the vocabulary
     * @param skipSpecial leave special tokens out
     * @return sequences that are no UTF-8 become U+FFFD
     */
    public String detokenize(int[] ids, boolean skipSpecial) {
        return Utf8.string(detokenizeBytes(ids, skipSpecial));
    }

    /**
     * Ids to bytes.
     *
     * @param ids of the vocabulary
     * @param skipSpecial leave special tokens out
     * @return as the tokens have them
     */
    public byte[] detokenizeBytes(int[] ids, boolean skipSpecial) {
        return call((tokenizer, outcome) -> tokenizer.detokenize(ids, TextFlags.skipping(skipSpecial), outcome));
    }
}
