package dev.libquant;

/** How the tokens of a text become one embedding. */
public enum Pooling {
    /** As the model was trained. */
    DEFAULT(0),
    /** Not at all: one embedding for each token. */
    NONE(1),
    /** Their mean, special tokens included. */
    MEAN(2),
    /** The last token's. */
    LAST(3),
    /** The first token's, which encoders put in front. */
    CLS(4);

    private final int number;

    Pooling(int number) {
        this.number = number;
    }

    /**
     * The number that the C library has for it.
     *
     * @return as in its header
     */
    public int number() {
        return number;
    }

    static Pooling of(int number) {
        for (Pooling value : values()) {
            if (value.number == number) {
                return value;
            }
        }
        throw new IllegalArgumentException("no Pooling has the number " + number);
    }
}
