package dev.libquant;

import dev.libquant.internal.NativeGenerateOptions;

/** A prompt and how to go on from it. */
public final class Prompt {
    private final byte[] text;
    private TextFlags flags = TextFlags.PROMPT;
    private boolean whole;
    private int maxTokens;
    private Sampling sampling = new Sampling();
    private Progress prefill;

    private Prompt(byte[] text) {
        this.text = text;
    }

    /**
     * A prompt that is appended to the sequence.
     *
     * @param text special tokens written in it count as such
     * @return with defaults
     */
    public static Prompt of(String text) {
        return new Prompt(Utf8.bytes(text));
    }

    /**
     * A prompt of bytes, which is appended to the sequence.
     *
     * @param utf8 any bytes, meant as UTF-8
     * @return with defaults
     */
    public static Prompt of(byte[] utf8) {
        return new Prompt(utf8.clone());
    }

    /**
     * Sets what is done with special tokens.
     *
     * @param value {@link TextFlags#PROMPT} unless this is called
     * @return this
     */
    public Prompt flags(TextFlags value) {
        flags = value;
        return this;
    }

    /**
     * Sets whether this is the whole sequence, of which the session keeps what it has already: a chat that is rendered
     * anew each turn.
     *
     * @param value false: it is appended
     * @return this
     */
    public Prompt whole(boolean value) {
        whole = value;
        return this;
    }

    /**
     * Sets how many tokens to generate at most.
     *
     * @param value 0: until the end, or the context is full
     * @return this
     */
    public Prompt maxTokens(int value) {
        maxTokens = value;
        return this;
    }

    /**
     * Sets how tokens are chosen.
     *
     * @param value else as the library has it
     * @return this
     */
    public Prompt sampling(Sampling value) {
        sampling = value;
        return this;
    }

    /**
     * Always takes the likeliest token.
     *
     * @return this
     */
    public Prompt greedy() {
        return sampling(new Sampling().temperature(0));
    }

    /**
     * Sets who is told of progress on a long prompt.
     *
     * @param value may cancel
     * @return this
     */
    public Prompt prefill(Progress value) {
        prefill = value;
        return this;
    }

    Progress prefill() {
        return prefill;
    }

    Sampling sampling() {
        return sampling;
    }

    NativeGenerateOptions options() {
        NativeGenerateOptions how = new NativeGenerateOptions();
        how.setPrompt(text);
        how.setText_flags(flags.bits());
        how.setWhole(whole);
        how.setMax_tokens(Integer.toUnsignedLong(maxTokens));
        return how;
    }
}
