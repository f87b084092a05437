package dev.libquant;

import dev.libquant.internal.Outcome;

/**
 * What failed in the library. It is unchecked, since most of it is what a caller cannot mend at the place of the call (a file
 * that is damaged, a model that does not fit), and since callbacks and streams of Java have no room for checked ones.
 */
public class QuantException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What kind of failure it is. */
    private final Status status;

    /**
     * An exception of that status.
     *
     * @param status what kind of failure it is
     * @param message one sentence
     */
    public QuantException(Status status, String message) {
        super(message);
        this.status = status;
    }

    /**
     * What kind of failure it is.
     *
     * @return never {@link Status#OK}
     */
    public Status status() {
        return status;
    }

    static void check(Outcome outcome) {
        if (!outcome.ok()) {
            throw new QuantException(Status.of(outcome.status()), Utf8.string(outcome.message()));
        }
    }
}
