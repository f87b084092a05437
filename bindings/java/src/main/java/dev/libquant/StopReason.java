package dev.libquant;

/** Why a generation ended. */
public enum StopReason {
    /** The model said so. */
    END(0),
    /** The number of tokens asked for was reached. */
    LENGTH(1),
    /** The context is full. */
    CONTEXT(2),
    /** The callback asked, or the stream was closed. */
    CALLER(3),
    /** A stop string came, which is not part of the text. */
    TEXT(4);

    private final int number;

    StopReason(int number) {
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

    static StopReason of(int number) {
        for (StopReason value : values()) {
            if (value.number == number) {
                return value;
            }
        }
        throw new IllegalArgumentException("no StopReason has the number " + number);
    }
}
