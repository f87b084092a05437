package dev.libquant;

/** How serious a log line is. */
public enum LogLevel {
    /** For whoever looks for a fault. */
    DEBUG(0),
    /** Worth knowing. */
    INFO(1),
    /** Something is not as it should be. */
    WARNING(2),
    /** Something failed. */
    ERROR(3);

    private final int number;

    LogLevel(int number) {
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

    static LogLevel of(int number) {
        for (LogLevel value : values()) {
            if (value.number == number) {
                return value;
            }
        }
        throw new IllegalArgumentException("no LogLevel has the number " + number);
    }
}
