package dev.libquant;

/** Told now and then during long work, in the thread that made the call. */
@FunctionalInterface
public interface Progress {
    /** Where the work stands.
     *
     * @param stage what is being done, such as a tensor's name
     * @param done units finished
     * @param total units in all; 0 where that is not known
     * @param seconds since the work began
     * @param detail a running result worth showing, or ""
     */
    record Report(String stage, long done, long total, double seconds, String detail) {}

    /**
     * Called with where the work stands. What it throws ends the work, and comes out of the call.
     *
     * @param report where it stands
     * @return true to go on, false to cancel: the call throws {@link QuantException} of {@link Status#CANCELLED}
     */
    boolean update(Report report);
}
