package dev.libquant;

import dev.libquant.internal.NativeRequest;
import java.util.ArrayList;
import java.util.List;

/** What a scheduler is to generate. */
public final class Request {
    private final byte[] prompt;
    private TextFlags flags = TextFlags.PROMPT;
    private int maxTokens;
    private Sampling sampling = new Sampling();
    private String grammar = "";
    private String jsonSchema = "";
    private boolean jsonObject;
    private boolean ignoreEnd;
    private long client;
    private final List<String> stops = new ArrayList<>();

    /**
     * A request with defaults.
     *
     * @param prompt the whole sequence
     */
    public Request(String prompt) {
        this.prompt = Utf8.bytes(prompt);
    }

    /**
     * Sets what is done with special tokens.
     *
     * @param value {@link TextFlags#PROMPT} unless this is called
     * @return this
     */
    public Request flags(TextFlags value) {
        flags = value;
        return this;
    }

    /**
     * Sets how many tokens to generate at most.
     *
     * @param value 0: until the end, or the context is full
     * @return this
     */
    public Request maxTokens(int value) {
        maxTokens = value;
        return this;
    }

    /**
     * Sets how tokens are chosen.
     *
     * @param value else as the library has it
     * @return this
     */
    public Request sampling(Sampling value) {
        sampling = value;
        return this;
    }

    /**
     * Adds a string before whose first the text ends.
     *
     * @param text without NUL
     * @return this
     */
    public Request stop(String text) {
        stops.add(text);
        return this;
    }

    /**
     * Keeps the text to a grammar.
     *
     * @param gbnf the grammar
     * @return this
     */
    public Request grammar(String gbnf) {
        grammar = gbnf;
        return this;
    }

    /**
     * Keeps the text to JSON of a schema.
     *
     * @param schema the schema, as JSON
     * @return this
     */
    public Request jsonSchema(String schema) {
        jsonSchema = schema;
        return this;
    }

    /**
     * Keeps the text to a JSON object of any kind.
     *
     * @param value false unless this is called
     * @return this
     */
    public Request jsonObject(boolean value) {
        jsonObject = value;
        return this;
    }

    /**
     * Sets whether tokens that end a text are never chosen.
     *
     * @param value false unless this is called
     * @return this
     */
    public Request ignoreEnd(boolean value) {
        ignoreEnd = value;
        return this;
    }

    /**
     * Sets who asks: requests of one number wait in one line.
     *
     * @param value any number
     * @return this
     */
    public Request client(long value) {
        client = value;
        return this;
    }

    Sampling sampling() {
        return sampling;
    }

    NativeRequest request() {
        return Call.filled(new NativeRequest(), this::fill);
    }

    private void fill(NativeRequest out) {
        out.setPrompt(prompt);
        out.setText_flags(flags.bits());
        out.setMax_tokens(Integer.toUnsignedLong(maxTokens));
        out.setGrammar(Utf8.name(grammar, "a grammar"));
        out.setJson_schema(Utf8.name(jsonSchema, "a schema"));
        out.setJson_object(jsonObject);
        out.setIgnore_end(ignoreEnd);
        out.setClient(client);
        stops.forEach(stop -> out.add_stop(Utf8.name(stop, "a stop string")));
    }
}
