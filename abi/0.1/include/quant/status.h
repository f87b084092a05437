/** @file
 * Statuses, messages, logging and progress: what every other header uses.
 *
 * Structs that begin with their `size` grow: later versions add fields at the end, and the size says which of them
 * the caller was compiled with. Parameters are set by their init function, which gets sizeof the struct so that a
 * newer library writes no more of it than there is, and then changed field by field; fields that only a newer header
 * has are left as they are by default by an older library, or the call is QUANT_ERR_ARGUMENT. Of results the caller
 * sets the size to sizeof the struct. Structs without a size are elements of arrays, and never change.
 */
#ifndef QUANT_STATUS_H
#define QUANT_STATUS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define QUANT_API __attribute__((visibility("default")))
#else
#define QUANT_API
#endif

/* An enumeration that may hold any int, so that a value from a newer header can be passed
 * and refused: C has that, C++ only where the underlying type is given. */
#if defined(__cplusplus) && __cplusplus >= 201103L
#define QUANT_AS_INT : int
#else
#define QUANT_AS_INT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** What became of a call. The values are fixed: they never change or move. */
typedef enum quant_status QUANT_AS_INT {
    QUANT_OK = 0,
    QUANT_ERR_ARGUMENT = 1,     /**< A parameter is outside what its comment allows. */
    QUANT_ERR_NOT_FOUND = 2,    /**< No such file, model, variant, tensor or name. */
    QUANT_ERR_IO = 3,           /**< The operating system refused a read or a write. */
    QUANT_ERR_FORMAT = 4,       /**< The bytes break the rules of their format. */
    QUANT_ERR_TRUNCATED = 5,    /**< The file ends before what it announces. */
    QUANT_ERR_LIMIT = 6,        /**< A count, size or depth over a stated limit. */
    QUANT_ERR_UNSUPPORTED = 7,  /**< Well formed, but of a kind this version lacks. */
    QUANT_ERR_MODEL = 8,        /**< Hyperparameters or tensors do not make a model. */
    QUANT_ERR_TOKENIZER = 9,    /**< The vocabulary or its description is inconsistent. */
    QUANT_ERR_TEMPLATE = 10,    /**< A chat template failed to parse or to run. */
    QUANT_ERR_NO_SPACE = 11,    /**< The file system is full, or over quota. */
    QUANT_ERR_NO_MEMORY = 12,   /**< An allocation failed. */
    QUANT_ERR_PERMISSION = 13,  /**< Not allowed to read or write that. */
    QUANT_ERR_CANCELLED = 14,   /**< A progress callback or a token callback said stop. */
    QUANT_ERR_EXISTS = 15,      /**< The name or file is there already. */
    QUANT_ERR_BUSY = 16,        /**< Somebody else holds it; try again. */
    QUANT_ERR_CATALOG = 17,     /**< The catalog is damaged or of a newer version. */
    QUANT_ERR_VERIFY = 18,      /**< A check of content failed (digest, quality gate). */
    QUANT_ERR_INTERNAL = 19,    /**< A defect of the library; please report it. */
    QUANT_ERR_UNAVAILABLE = 20  /**< Nobody serves there: no daemon listens at that socket. */
} quant_status;

/**
 * The status's name, such as "QUANT_ERR_FORMAT".
 *
 * @return A static string; "QUANT_ERR_?" for a number that is no status.
 * Threads: any. Blocks: never. Since 0.1.
 */
QUANT_API const char *quant_status_name(quant_status status);

/**
 * The detail of this thread's last failed call: one sentence that names the file,
 * the tensor or key, and what was expected.
 *
 * @return Borrowed until this thread's next failing call; "" if none has failed.
 * Threads: each has its own. Blocks: never. Since 0.1.
 */
QUANT_API const char *quant_error_message(void);

/**
 * The library's version, "MAJOR.MINOR.PATCH".
 *
 * @return A static string.
 * Threads: any. Blocks: never. Since 0.1.
 */
QUANT_API const char *quant_version(void);

/** How serious a log line is. */
typedef enum quant_log_level QUANT_AS_INT {
    QUANT_LOG_DEBUG = 0,
    QUANT_LOG_INFO = 1,
    QUANT_LOG_WARNING = 2,
    QUANT_LOG_ERROR = 3
} quant_log_level;

/** Receives a log line. `text` is UTF-8, without a newline, borrowed for the call. */
typedef void (*quant_log_fn)(void *user, quant_log_level level, const char *text);

/**
 * Set where log lines go. There is no logger until this is called, and the library
 * never writes to a stream by itself.
 *
 * @param fn    Called from any thread, maybe from several at a time; NULL for silence.
 * @param user  Passed to fn; must outlive the logger.
 * Threads: any; the one global setting of the library. Blocks: never. Since 0.1.
 */
QUANT_API void quant_set_logger(quant_log_fn fn, void *user);

/** Where a long operation stands. New fields are only ever added at the end. */
typedef struct quant_progress {
    size_t      size;    /**< sizeof(quant_progress) of the library that calls. */
    const char *stage;   /**< What is being done, such as a tensor's name. Borrowed. */
    uint64_t    done;    /**< Units finished. */
    uint64_t    total;   /**< Units in all; 0 when not known. */
    double      seconds; /**< Since the operation began. */
    const char *detail;  /**< A running result worth showing ("PPL 17.8"), or "". */
} quant_progress;

/**
 * Called now and then during long work, from the calling thread.
 * @return 0 to go on; anything else makes the call end with QUANT_ERR_CANCELLED.
 */
typedef int (*quant_progress_fn)(void *user, const quant_progress *progress);

/**
 * Release a string that a function handed out with ownership. NULL is fine.
 * Threads: any. Blocks: never. Since 0.1.
 */
QUANT_API void quant_string_free(char *text);

#ifdef __cplusplus
}
#endif
#endif
