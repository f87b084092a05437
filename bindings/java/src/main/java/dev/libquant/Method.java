package dev.libquant;

/** How codes and scales are chosen when encoding. */
public enum Method {
    /** IMPORTANCE where importance is given, else SEARCH. */
    DEFAULT(0),
    /** Scales from the extremes, codes to nearest. Fastest. */
    ROUND(1),
    /** Scale and codes searched for the least squared error. */
    SEARCH(2),
    /** The same, with errors weighted by importance, by a longer search. */
    IMPORTANCE(3),
    /** Error feedback with second moments of the inputs; needs statistics. */
    FEEDBACK(4),
    /** For each matrix what does best on held-out inputs; needs statistics. */
    BEST(5);

    private final int number;

    Method(int number) {
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

    static Method of(int number) {
        for (Method value : values()) {
            if (value.number == number) {
                return value;
            }
        }
        throw new IllegalArgumentException("no Method has the number " + number);
    }
}
