// What handlers have done where it may block: failures become replies in the manner of their API.
#pragma once

#include "model_pool.h"
#include "router.h"

namespace quantd {

/// Runs `body` here; what it throws is the answer.
void answer(Reply &reply, ApiStyle style, const std::function<void()> &body);

/// Runs `body` on a thread that may block; what it throws is the answer.
void answer_later(ModelPool &pool, ReplyPtr reply, ApiStyle style, std::function<void()> body);

/// The same, with a model, which is loaded where it is not; `context` and `stage` as ModelPool::take().
void answer_with(ModelPool &pool, std::string model, std::optional<std::chrono::seconds> keep, ReplyPtr reply,
                 ApiStyle style, std::function<void(const std::shared_ptr<Resident> &)> body, uint32_t context = 0,
                 Stage stage = Stage::work);

} // namespace quantd
