package dev.libquant;

import dev.libquant.internal.quant_embedding_options;

/** How to embed. What is not set is as the library has it. */
public final class EmbedOptions {
    private Pooling pooling;
    private Boolean normalize;
    private Integer dimensions;
    private Boolean truncate;
    private Activations activations;

    /** All as the library has it. */
    public EmbedOptions() {}

    /**
     * Sets pooling.
     *
     * @param value how tokens become one embedding
     * @return this
     */
    public EmbedOptions pooling(Pooling value) {
        this.pooling = value;
        return this;
    }

    /**
     * Sets normalize.
     *
     * @param value whether embeddings have length 1
     * @return this
     */
    public EmbedOptions normalize(boolean value) {
        this.normalize = value;
        return this;
    }

    /**
     * Sets dimensions.
     *
     * @param value keep only so many; 0: all
     * @return this
     */
    public EmbedOptions dimensions(int value) {
        this.dimensions = value;
        return this;
    }

    /**
     * Sets truncate.
     *
     * @param value whether a text that is too long loses its end; else it is an error
     * @return this
     */
    public EmbedOptions truncate(boolean value) {
        this.truncate = value;
        return this;
    }

    /**
     * Sets activations.
     *
     * @param value what products round activations to
     * @return this
     */
    public EmbedOptions activations(Activations value) {
        this.activations = value;
        return this;
    }

    void fill(quant_embedding_options to) {
        if (pooling != null) {
            to.setPooling(this.pooling.number());
        }
        if (normalize != null) {
            to.setNormalize(this.normalize ? 1 : 0);
        }
        if (dimensions != null) {
            to.setDimensions(Integer.toUnsignedLong(this.dimensions));
        }
        if (truncate != null) {
            to.setTruncate(this.truncate ? 1 : 0);
        }
        if (activations != null) {
            to.setActivations(this.activations.number());
        }
    }
}
