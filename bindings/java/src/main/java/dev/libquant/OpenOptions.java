package dev.libquant;

import dev.libquant.internal.NativeQuantConstants;

/** How to open a model. What is not set is as the library has it. */
public final class OpenOptions {
    private long flags;
    private String numa = "";
    private String packCache = "";
    private Progress progress;

    /** All as the library has it. */
    public OpenOptions() {}

    /**
     * Sets whether to read all of the files before opening returns.
     *
     * @param value so that the first prompt does not wait for the disk
     * @return this
     */
    public OpenOptions prefault(boolean value) {
        flags = value ? NativeQuantConstants.QUANT_OPEN_PREFAULT : 0;
        return this;
    }

    /**
     * Sets how workers and weights are spread over memory nodes.
     *
     * @param value "auto", "shard", "mirror", "node=N" or "off"
     * @return this
     */
    public OpenOptions numa(String value) {
        numa = value;
        return this;
    }

    /**
     * Sets whether weights as this CPU reads them are kept in a file.
     *
     * @param value "off", "on" or a size such as "8G"
     * @return this
     */
    public OpenOptions packCache(String value) {
        packCache = value;
        return this;
    }

    /**
     * Sets who is told of reading ahead.
     *
     * @param value units are bytes
     * @return this
     */
    public OpenOptions progress(Progress value) {
        progress = value;
        return this;
    }

    long flags() {
        return flags;
    }

    String numa() {
        return numa;
    }

    String packCache() {
        return packCache;
    }

    Progress progress() {
        return progress;
    }
}
