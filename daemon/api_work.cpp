#include "api_work.h"

namespace quantd {

void answer(Reply &reply, ApiStyle style, const std::function<void()> &body) {
    try {
        body();
    } catch (const ApiError &e) {
        send_error(reply, style, e);
    } catch (const std::bad_alloc &) {
        send_error(reply, style, {.status = 503, .message = "out of memory", .retry_after = 1});
    } catch (const std::exception &e) {
        send_error(reply, style, {.status = 500, .message = e.what()});
    }
}

void answer_later(ModelPool &pool, ReplyPtr reply, ApiStyle style, std::function<void()> body) {
    pool.post([reply = std::move(reply), style, body = std::move(body)] { answer(*reply, style, body); });
}

void answer_with(ModelPool &pool, std::string model, std::optional<std::chrono::seconds> keep, ReplyPtr reply,
                 ApiStyle style, std::function<void(const std::shared_ptr<Resident> &)> body, uint32_t context,
                 Stage stage) {
    pool.take(
        std::move(model), keep,
        [reply = std::move(reply), style, body = std::move(body)](const std::shared_ptr<Resident> &resident,
                                                                  const ApiError *error) {
            if (error) return send_error(*reply, style, *error);
            answer(*reply, style, [&] { body(resident); });
        },
        context, stage);
}

} // namespace quantd
