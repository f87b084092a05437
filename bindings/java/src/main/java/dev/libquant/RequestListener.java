package dev.libquant;

/**
 * Told what becomes of a request, in the scheduler's thread, which waits for it: pass on and return. It may submit to the
 * scheduler, cancel and pause, but not close it. What it throws cancels its request, which then ends with that.
 */
public interface RequestListener {
    /**
     * More text, or another token.
     *
     * @param text whole characters; may be ""
     * @param token that was made, whose text may come later; -1: none
     */
    void onText(String text, int token);

    /**
     * The end, after which nothing comes.
     *
     * @param result what it took
     * @param failure null, or what went wrong: {@link QuantException}, of {@link Status#CANCELLED} where it was cancelled,
     *     or what {@link #onText} threw
     */
    default void onEnd(Generation result, Throwable failure) {}
}
