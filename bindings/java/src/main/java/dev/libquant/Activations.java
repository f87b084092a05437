package dev.libquant;

/** To what a product rounds the activations it reads. */
public enum Activations {
    /** Not at all. */
    F32(0),
    /** To 8 bits with a scale for each block, as runtimes of GGUF files do. */
    INT8(1);

    private final int number;

    Activations(int number) {
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

    static Activations of(int number) {
        for (Activations value : values()) {
            if (value.number == number) {
                return value;
            }
        }
        throw new IllegalArgumentException("no Activations has the number " + number);
    }
}
