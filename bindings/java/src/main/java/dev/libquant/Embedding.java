package dev.libquant;

/** What a text became. */
public final class Embedding {
    private final float[] values;
    private final int rows;
    private final int dimensions;
    private final int tokens;
    private final int tokensCut;

    Embedding(float[] values, int rows, int dimensions, int tokens, int tokensCut) {
        this.values = values;
        this.rows = rows;
        this.dimensions = dimensions;
        this.tokens = tokens;
        this.tokensCut = tokensCut;
    }

    /**
     * The numbers.
     *
     * @return rows x dimensions, row-major; not a copy
     */
    public float[] values() {
        return values;
    }

    /**
     * How many vectors there are.
     *
     * @return 1; with {@link Pooling#NONE} one for each token
     */
    public int rows() {
        return rows;
    }

    /**
     * Numbers of a vector.
     *
     * @return as the model has it, or as it was asked for
     */
    public int dimensions() {
        return dimensions;
    }

    /**
     * Tokens that were read.
     *
     * @return special ones included
     */
    public int tokens() {
        return tokens;
    }

    /**
     * Tokens that the text lost.
     *
     * @return 0 without {@link EmbedOptions#truncate}
     */
    public int tokensCut() {
        return tokensCut;
    }
}
