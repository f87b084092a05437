namespace LibQuant
{
    /// <summary>What became of a call: the statuses of the C library without their prefix.</summary>
    public enum Status
    {
        /// <summary>It succeeded.</summary>
        Ok = 0,
        /// <summary>A parameter is outside what its description allows.</summary>
        Argument = 1,
        /// <summary>No such file, model, variant, tensor or name.</summary>
        NotFound = 2,
        /// <summary>The operating system refused a read or a write.</summary>
        IO = 3,
        /// <summary>The bytes break the rules of their format.</summary>
        Format = 4,
        /// <summary>The file ends before what it announces.</summary>
        Truncated = 5,
        /// <summary>A count, size or depth over a stated limit.</summary>
        Limit = 6,
        /// <summary>Well formed, but of a kind this version lacks.</summary>
        Unsupported = 7,
        /// <summary>Hyperparameters or tensors do not make a model.</summary>
        Model = 8,
        /// <summary>The vocabulary or its description is inconsistent.</summary>
        Tokenizer = 9,
        /// <summary>A chat template failed to parse or to run.</summary>
        Template = 10,
        /// <summary>The file system is full, or over quota.</summary>
        NoSpace = 11,
        /// <summary>An allocation failed.</summary>
        NoMemory = 12,
        /// <summary>Not allowed to read or write that.</summary>
        Permission = 13,
        /// <summary>A callback said stop.</summary>
        Cancelled = 14,
        /// <summary>The name or file is there already.</summary>
        Exists = 15,
        /// <summary>Somebody else holds it; try again.</summary>
        Busy = 16,
        /// <summary>The catalog is damaged or of a newer version.</summary>
        Catalog = 17,
        /// <summary>A check of content failed.</summary>
        Verify = 18,
        /// <summary>A defect of the library; please report it.</summary>
        Internal = 19,
        /// <summary>Nobody serves there: no daemon listens at that socket.</summary>
        Unavailable = 20,
    }
}
