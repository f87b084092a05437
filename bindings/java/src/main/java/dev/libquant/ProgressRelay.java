package dev.libquant;

import dev.libquant.internal.ProgressSink;

/** Between the library and a {@link Progress}: keeps what that throws, since nothing may pass native frames. */
final class ProgressRelay extends ProgressSink {
    private final Progress progress;
    private Throwable failure;

    private ProgressRelay(Progress progress) {
        this.progress = progress;
    }

    /** None for null. */
    static ProgressRelay of(Progress progress) {
        return progress == null ? null : new ProgressRelay(progress);
    }

    @Override
    public int on_progress(byte[] stage, long done, long total, double seconds, byte[] detail) {
        try {
            Progress.Report report =
                    new Progress.Report(Utf8.string(stage), done, total, seconds, Utf8.string(detail));
            return progress.update(report) ? 0 : 1;
        } catch (Throwable thrown) {
            failure = thrown;
            return 1;
        }
    }

    static void rethrow(ProgressRelay relay) {
        if (relay != null && relay.failure != null) {
            Call.raise(relay.failure);
        }
    }
}
