package dev.libquant;

import dev.libquant.internal.NativeQuantConstants;
import java.nio.file.Path;
import java.time.Duration;

/** How to borrow a model from the daemon. What is not set is as the library has it. */
public final class SharedOptions {
    private long flags;
    private String socket = "";
    private double timeoutSeconds;
    private Progress progress;

    /** All as the library has it. */
    public SharedOptions() {}

    /**
     * Sets whether to compare packed weights with their checksums before they are used.
     *
     * @param value which reads all of them
     * @return this
     */
    public SharedOptions verify(boolean value) {
        flags = value ? NativeQuantConstants.QUANT_SHARED_VERIFY : 0;
        return this;
    }

    /**
     * Sets the daemon's socket.
     *
     * @param value else QUANT_SOCKET in the environment, or where daemons have it
     * @return this
     */
    public SharedOptions socket(Path value) {
        socket = value.toString();
        return this;
    }

    /**
     * Sets how long to wait for the daemon's answer, which comes when it has loaded the model.
     *
     * @param value else five minutes
     * @return this
     */
    public SharedOptions timeout(Duration value) {
        timeoutSeconds = value.toNanos() / 1e9;
        return this;
    }

    /**
     * Sets who is told while the daemon loads the model.
     *
     * @param value about ten times a second
     * @return this
     */
    public SharedOptions progress(Progress value) {
        progress = value;
        return this;
    }

    long flags() {
        return flags;
    }

    String socket() {
        return socket;
    }

    double timeoutSeconds() {
        return timeoutSeconds;
    }

    Progress progress() {
        return progress;
    }
}
