// /api/create: a model made from another one, or from a file that was brought.
#pragma once

#include "blob_store.h"
#include "job_book.h"
#include "model_pool.h"
#include "request_fields.h"

namespace quantd {

FieldTable ollama_create_fields();

/// Answers when the model is there, or line by line on the way there. Throws ApiError.
void create_model(ModelPool &pool, JobBook &jobs, const BlobStore &blobs, const RequestPtr &http,
                  const ReplyPtr &reply);

/// What this API says at the end of what went well: one object, or a line of a stream.
void send_success(Reply &reply, bool stream);

} // namespace quantd
