package dev.libquant;

/** What became of a call: the statuses of the C library without their prefix. */
public enum Status {
    /** It succeeded. */
    OK(0),
    /** A parameter is outside what its description allows. */
    ARGUMENT(1),
    /** No such file, model, variant, tensor or name. */
    NOT_FOUND(2),
    /** The operating system refused a read or a write. */
    IO(3),
    /** The bytes break the rules of their format. */
    FORMAT(4),
    /** The file ends before what it announces. */
    TRUNCATED(5),
    /** A count, size or depth over a stated limit. */
    LIMIT(6),
    /** Well formed, but of a kind this version lacks. */
    UNSUPPORTED(7),
    /** Hyperparameters or tensors do not make a model. */
    MODEL(8),
    /** The vocabulary or its description is inconsistent. */
    TOKENIZER(9),
    /** A chat template failed to parse or to run. */
    TEMPLATE(10),
    /** The file system is full, or over quota. */
    NO_SPACE(11),
    /** An allocation failed. */
    NO_MEMORY(12),
    /** Not allowed to read or write that. */
    PERMISSION(13),
    /** A callback said stop. */
    CANCELLED(14),
    /** The name or file is there already. */
    EXISTS(15),
    /** Somebody else holds it; try again. */
    BUSY(16),
    /** The catalog is damaged or of a newer version. */
    CATALOG(17),
    /** A check of content failed. */
    VERIFY(18),
    /** A defect of the library; please report it. */
    INTERNAL(19),
    /** Nobody serves there: no daemon listens at that socket. */
    UNAVAILABLE(20);

    private final int number;

    Status(int number) {
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

    /** A status of a newer library that this one has no name for is told as a defect. */
    static Status of(int number) {
        for (Status value : values()) {
            if (value.number == number) {
                return value;
            }
        }
        return INTERNAL;
    }
}
