/** @file
 * Models that a daemon (quantd) holds and processes share: its files and packed weights mapped read-only, one copy in
 * the machine, the forward pass and the KV cache in each process that generates.
 */
#ifndef QUANT_SHARED_H
#define QUANT_SHARED_H

#include <quant/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How to borrow; flags to combine. */
enum {
    QUANT_SHARED_VERIFY = 1 /**< Compare the packed weights with their checksums before they are used, which reads all of
                                 them. Without it their sizes, places and kinds are checked, and their content is the
                                 daemon's word. */
};

/** How to borrow a model. Call quant_shared_options_init(), then change what you need. */
typedef struct quant_shared_options {
    size_t      size;   /**< Set by the init function. */
    uint32_t    flags;  /**< QUANT_SHARED_*; unknown bits are QUANT_ERR_ARGUMENT. */
    const char *socket; /**< The daemon's. NULL: QUANT_SOCKET in the environment, else quantd.sock in
                             $XDG_RUNTIME_DIR if there is one, else /run/quantd/quantd.sock. */
    double      timeout_seconds; /**< For the daemon's answer, which comes when it has loaded the model; 0: 300. */
    quant_progress_fn progress; /**< Called about ten times a second while the daemon loads the model. May be NULL. */
    void       *user;
} quant_shared_options;

/** Set the defaults; `size` as status.h says. Threads: any. Blocks: never. Since 0.1. */
QUANT_API void quant_shared_options_init(quant_shared_options *options, size_t size);

/**
 * Borrow a model from the daemon, which loads it where it is not resident yet. What comes is a model like any other;
 * its weights are the daemon's memory, mapped read-only. The lease is a connection to the daemon that stays open: it
 * ends when the last user of the model (handle, session, scheduler) is gone, or the process, however it ends. If the
 * daemon dies, everything goes on as it is, and a thread of the library leases the same bytes from the next daemon.
 *
 * The descriptors are mapped before this returns; what they hold is read and checked when the model is first used, so
 * that functions that use a model may fail as quant_model_open() does. A packed copy that this process has no use for
 * (another instruction tier, workers bound to memory nodes) is left alone, and a log line says so.
 *
 * @param[out] out   Owned by the caller: quant_model_free(); NULL on failure.
 * @param      name  Of the daemon's catalog, "model:variant" or as quant_catalog_resolve() takes it; no path.
 * @param      options  Borrowed for the call; NULL for defaults.
 * @retval QUANT_ERR_ARGUMENT     Unknown flags, a timeout below 0, or a path too long for a socket.
 * @retval QUANT_ERR_UNAVAILABLE  No daemon answers at the socket, which the message names: open the model's file
 *                                instead, if it is at hand.
 * @retval QUANT_ERR_NOT_FOUND    The daemon knows no such model.
 * @retval QUANT_ERR_PERMISSION   This process may not use the socket.
 * @retval QUANT_ERR_BUSY         The daemon has no room for it: all that is loaded is in use.
 * @retval QUANT_ERR_IO           The daemon went away, or did not answer in time.
 * @retval QUANT_ERR_FORMAT, QUANT_ERR_VERIFY  What came breaks the protocol; a descriptor that is none of the daemon's
 *                                files, that others may write, or of another size than was announced.
 * @retval QUANT_ERR_CANCELLED    progress asked to stop; the daemon goes on loading.
 * @retval QUANT_ERR_MODEL        The daemon cannot load the model; the message says why.
 *
 * Threads: any, also at the same time. Blocks: until the daemon has the model. Since 0.1.
 */
QUANT_API quant_status quant_model_open_shared(quant_model **out, const char *name, const quant_shared_options *options);

/** What a part of a lent model is. */
typedef enum quant_lent_kind QUANT_AS_INT {
    QUANT_LENT_FILE = 0, /**< A file of the model. */
    QUANT_LENT_PACK = 1  /**< Its weights as CPUs of this tier read them. */
} quant_lent_kind;

/** One descriptor of a model that is lent. Filled by quant_model_get_lent_part(). Strings are the model's. */
typedef struct quant_lent_part {
    size_t          size;       /**< sizeof(quant_lent_part), set by the caller. */
    quant_lent_kind kind;
    int32_t         descriptor; /**< Open for reading; the model's: valid as long as it. */
    const char     *name;       /**< Of a file, from the folder of the model's files on; "" of a pack. */
    const char     *origin;     /**< Of a pack: what its borrowers need to tell which weights are in it; else "". */
    uint64_t        bytes;
    int32_t         sealed;     /**< 1: in memory that nobody can change any more, else 0: a file. */
    size_t          files;      /**< Of all parts, how many are files: they come first, the pack is behind them. */
} quant_lent_part;

/**
 * What a model lends that was opened with QUANT_OPEN_LENDABLE: all of its files, then the pack if it has one. Makes the
 * pack when first called with an index behind the files, and takes long then.
 *
 * @param  index  From 0 on.
 * @retval QUANT_ERR_NOT_FOUND  There are fewer parts.
 * @retval QUANT_ERR_ARGUMENT   The model was not opened so, or part->size is not that of a known version.
 *
 * Threads: any. Blocks: when the pack is made, as a session's beginning does. Since 0.1.
 */
QUANT_API quant_status quant_model_get_lent_part(const quant_model *model, size_t index, quant_lent_part *part);

#ifdef __cplusplus
}
#endif
#endif
