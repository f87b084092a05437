package dev.libquant;

import dev.libquant.internal.quant_scheduler_options;

/** How to run requests. What is not set is as the library has it. */
public final class SchedulerOptions {
    private Integer contextLength;
    private Integer sequences;
    private Integer queue;
    private Integer queuePerClient;
    private Long cachedTokens;
    private Encoding keyType;
    private Encoding valueType;

    /** All as the library has it. */
    public SchedulerOptions() {}

    /**
     * Sets contextLength.
     *
     * @param value tokens that a sequence can hold; 0: the model's own length
     * @return this
     */
    public SchedulerOptions contextLength(int value) {
        this.contextLength = value;
        return this;
    }

    /**
     * Sets sequences.
     *
     * @param value that run at a time, at least 1
     * @return this
     */
    public SchedulerOptions sequences(int value) {
        this.sequences = value;
        return this;
    }

    /**
     * Sets queue.
     *
     * @param value requests that wait at most
     * @return this
     */
    public SchedulerOptions queue(int value) {
        this.queue = value;
        return this;
    }

    /**
     * Sets queuePerClient.
     *
     * @param value of one client
     * @return this
     */
    public SchedulerOptions queuePerClient(int value) {
        this.queuePerClient = value;
        return this;
    }

    /**
     * Sets cachedTokens.
     *
     * @param value of ended sequences whose keys and values are kept
     * @return this
     */
    public SchedulerOptions cachedTokens(long value) {
        this.cachedTokens = value;
        return this;
    }

    /**
     * Sets keyType.
     *
     * @param value what keys are kept as
     * @return this
     */
    public SchedulerOptions keyType(Encoding value) {
        this.keyType = value;
        return this;
    }

    /**
     * Sets valueType.
     *
     * @param value what values are kept as
     * @return this
     */
    public SchedulerOptions valueType(Encoding value) {
        this.valueType = value;
        return this;
    }

    void fill(quant_scheduler_options to) {
        if (contextLength != null) {
            to.setContext_length(Integer.toUnsignedLong(this.contextLength));
        }
        if (sequences != null) {
            to.setSequences(Integer.toUnsignedLong(this.sequences));
        }
        if (queue != null) {
            to.setQueue(Integer.toUnsignedLong(this.queue));
        }
        if (queuePerClient != null) {
            to.setQueue_per_client(Integer.toUnsignedLong(this.queuePerClient));
        }
        if (cachedTokens != null) {
            to.setCached_tokens(this.cachedTokens);
        }
        if (keyType != null) {
            to.setKey_type(this.keyType.id());
        }
        if (valueType != null) {
            to.setValue_type(this.valueType.id());
        }
    }
}
