#include "request_parser.h"

#include "http_limits.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>
#include <utility>

namespace quantd {

namespace http = boost::beast::http;

namespace {

// A string that grows as bytes come: what a head announces costs no memory. Whoever wants the body in pieces empties
// it in between.
struct PieceBody {
    using value_type = std::string;
    class reader {
    public:
        template <bool IsRequest, class Fields>
        explicit reader(http::header<IsRequest, Fields> &, value_type &body) : body_(body) {}
        void init(const boost::optional<uint64_t> &, boost::system::error_code &error) { error = {}; }
        template <class Buffers> size_t put(const Buffers &buffers, boost::system::error_code &error) {
            const size_t before = body_.size();
            for (auto at = boost::asio::buffer_sequence_begin(buffers); at != boost::asio::buffer_sequence_end(buffers);
                 ++at)
                body_.append(static_cast<const char *>(boost::asio::const_buffer(*at).data()),
                             boost::asio::const_buffer(*at).size());
            error = {};
            return body_.size() - before;
        }
        void finish(boost::system::error_code &error) { error = {}; }

    private:
        value_type &body_;
    };
};

} // namespace

struct RequestParser::Impl {
    http::request_parser<PieceBody> parser;
    State state = State::head;
    HeadFault fault;
    HttpRequest request;
    size_t head_bytes = 0;
    uint64_t taken = 0; ///< Of the body, by take_piece().

    State fail(HeadFault why) {
        fault = std::move(why);
        return state = State::failed;
    }
    State take_head(std::string &input);
    State take_body(std::string &input);
    State fill_request();
};

RequestParser::RequestParser() : impl_(std::make_unique<Impl>()) {
    impl_->parser.header_limit(limits::head_bytes + 16);
    impl_->parser.body_limit(boost::none); // Until the route is known; nothing of a body is read before.
    impl_->parser.eager(false);
}

RequestParser::~RequestParser() = default;

RequestParser::State RequestParser::feed(std::string &input) {
    if (impl_->state == State::head) return impl_->take_head(input);
    if (impl_->state == State::body) return impl_->take_body(input);
    return impl_->state;
}

RequestParser::State RequestParser::Impl::take_head(std::string &input) {
    // One empty line is forgiven, as RFC 9112 asks: old clients end a body with it.
    if (input.starts_with("\r\n") && head_bytes == 0) input.erase(0, 2);
    head_bytes = head_length(input);
    if (!head_bytes) {
        if (HeadFault why = check_partial_head(input)) return fail(std::move(why));
        return state;
    }
    if (HeadFault why = check_head(std::string_view(input).substr(0, head_bytes))) return fail(std::move(why));
    boost::system::error_code error;
    const size_t used = parser.put(boost::asio::buffer(input.data(), head_bytes), error);
    if ((error && error != http::error::need_more) || !parser.is_header_done() || used != head_bytes)
        return fail({400, "malformed", "the request's head cannot be read"});
    input.erase(0, used);
    return fill_request();
}

RequestParser::State RequestParser::Impl::fill_request() {
    const auto &message = parser.get();
    request.method = std::string(message.method_string());
    const std::string_view target(message.target().data(), message.target().size());
    const size_t mark = std::min(target.find('?'), target.size());
    if (mark < target.size()) request.query = target.substr(mark + 1);
    if (!percent_decode(target.substr(0, mark), request.path))
        return fail({400, "malformed", "the path has a broken or forbidden escape"});
    for (const auto &field : message)
        request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    return state = parser.is_done() ? State::done : State::body;
}

RequestParser::State RequestParser::Impl::take_body(std::string &input) {
    size_t used = 0;
    boost::system::error_code error;
    // Beast stops after each piece; needing more with bytes in hand is a chunk's head cut in two.
    while (used < input.size() && !parser.is_done() && !error)
        used += parser.put(boost::asio::buffer(input.data() + used, input.size() - used), error);
    input.erase(0, used);
    if (error == http::error::need_more) {
        if (input.size() > limits::chunk_head_bytes)
            return fail({400, "malformed", "a chunk's head is longer than 8 KiB"});
    } else if (error == http::error::body_limit || error == http::error::buffer_overflow) {
        return fail({413, "body", "the request's body is longer than this endpoint takes"});
    } else if (error) {
        return fail({400, "malformed", "the request's body is not well-formed chunks"});
    }
    if (parser.is_done()) {
        request.body = std::move(parser.get().body());
        state = State::done;
    }
    return state;
}

RequestParser::State RequestParser::state() const { return impl_->state; }
const HeadFault &RequestParser::fault() const { return impl_->fault; }
HttpRequest &RequestParser::request() { return impl_->request; }
bool RequestParser::keep_alive() const { return impl_->parser.keep_alive(); }
bool RequestParser::http10() const { return impl_->parser.get().version() < 11; }

bool RequestParser::expects_continue() const { return impl_->request.has_header("Expect"); }

bool RequestParser::has_body() const {
    const auto length = announced_bytes();
    return impl_->parser.chunked() || (length && *length > 0);
}

std::optional<uint64_t> RequestParser::announced_bytes() const {
    const auto length = impl_->parser.content_length();
    return length ? std::optional<uint64_t>(*length) : std::nullopt;
}

uint64_t RequestParser::received_bytes() const { return impl_->taken + impl_->parser.get().body().size(); }

std::string RequestParser::take_piece() {
    std::string &from = impl_->state == State::done ? impl_->request.body : impl_->parser.get().body();
    impl_->taken += from.size();
    return std::exchange(from, {});
}

void RequestParser::limit_body(uint64_t bytes) { impl_->parser.body_limit(bytes); }

} // namespace quantd
