#include "daemon_client.h"

#include "failure.h"
#include "json_fields.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <cstdlib>
#include <filesystem>
#include <sys/un.h>

namespace quantctl {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Local = asio::local::stream_protocol;
using Request = http::request<http::string_body>;

constexpr uint64_t most_reply_bytes = 64 << 20;

struct Answer {
    beast::error_code failure;
    bool connected = false;
    unsigned status = 0;
    std::string body;
};

// One request on a connection of its own. Beast's time limit works on what is asynchronous only.
Answer exchange(const Local::endpoint &endpoint, const Request &request, std::chrono::seconds patience) {
    asio::io_context context(1);
    beast::basic_stream<Local> stream(context);
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(most_reply_bytes);
    Answer answer;
    const auto on_read = [&](beast::error_code error, size_t) { answer.failure = error; };
    const auto on_write = [&](beast::error_code error, size_t) {
        answer.failure = error;
        if (!error) http::async_read(stream, buffer, parser, on_read);
    };
    const auto on_connect = [&](beast::error_code error) {
        answer.failure = error;
        answer.connected = !error;
        if (!error) http::async_write(stream, request, on_write);
    };
    stream.expires_after(patience);
    stream.async_connect(endpoint, on_connect);
    context.run();
    answer.status = parser.get().result_int();
    answer.body = std::move(parser.get().body());
    return answer;
}

[[noreturn]] void fail_to_connect(const std::string &socket, const beast::error_code &error) {
    using boost::system::errc::permission_denied;
    if (error == permission_denied)
        throw Failure(exit_permission, socket + ": you may not talk to the quantd there",
                      "Members of the socket's group may; see quantd(8).");
    throw Failure(exit_no_daemon, fmt::format("no quantd listens at {} ({})", socket, error.message()),
                  "Start one: quantctl serve");
}

[[noreturn]] void fail_to_answer(const std::string &socket, const beast::error_code &error,
                                 std::chrono::seconds patience) {
    if (error == beast::error::timeout)
        throw Failure(exit_no_daemon,
                      fmt::format("the quantd at {} did not answer within {} seconds", socket, patience.count()));
    throw Failure(exit_no_daemon,
                  fmt::format("the quantd at {} did not give a whole answer: {}", socket, error.message()));
}

int exit_code_of_http(unsigned status) {
    switch (status) {
    case 400:
        return exit_usage;
    case 401:
    case 403:
        return exit_permission;
    case 404:
        return exit_not_found;
    case 507:
        return exit_no_space;
    default:
        return exit_failure;
    }
}

// The daemon's APIs write {"error": {"message": ...}} or, Ollama's, {"error": "..."}.
std::string error_message(const json::object &document) {
    const json::value &error = member(document, "error");
    return error.is_object() ? text_of(member(error.get_object(), "message")) : text_of(error);
}

json::object document_of(const std::string &socket, const std::string &path, const Answer &answer) {
    json::error_code error;
    const json::value value = json::parse(answer.body, error);
    if (error || !value.is_object())
        throw Failure(exit_failure, fmt::format("{}: expected a JSON object as the answer to {}, found {} bytes of "
                                                "something else: is that a quantd?",
                                                socket, path, answer.body.size()));
    const json::object &document = value.get_object();
    if (answer.status < 300) return document;
    const std::string message = error_message(document);
    if (answer.status == 404 && message.ends_with(path))
        throw Failure(exit_failure, fmt::format("the quantd at {} does not know {}", socket, path),
                      "It is older than this quantctl: stop it, and start the one beside quantctl.");
    throw Failure(exit_code_of_http(answer.status),
                  fmt::format("quantd: {}", message.empty() ? fmt::format("status {}", answer.status) : message));
}

json::object ask(const std::string &socket, Request request, std::chrono::seconds patience) {
    // A longer path would be an exception of Asio's with no path in it.
    if (socket.size() >= sizeof(sockaddr_un::sun_path) || socket.empty())
        usage_error("\"{}\": expected the path of a socket, of at most {} bytes", socket,
                    sizeof(sockaddr_un::sun_path) - 1);
    request.set(http::field::host, "localhost");
    request.set(http::field::connection, "close");
    request.prepare_payload();
    const Answer answer = exchange(Local::endpoint(socket), request, patience);
    if (!answer.connected) fail_to_connect(socket, answer.failure);
    if (answer.failure) fail_to_answer(socket, answer.failure, patience);
    return document_of(socket, std::string(request.target()), answer);
}

std::string variable(const char *name) {
    const char *value = std::getenv(name);
    return value ? value : "";
}

} // namespace

std::string daemon_socket(const std::string &given) {
    if (!given.empty()) return given;
    if (const std::string named = variable("QUANT_SOCKET"); !named.empty()) return named;
    const std::string folder = variable("XDG_RUNTIME_DIR"), system = "/run/quantd/quantd.sock";
    if (folder.empty()) return system;
    const std::string own = folder + "/quantd.sock";
    std::error_code ignored;
    return std::filesystem::exists(system, ignored) && !std::filesystem::exists(own, ignored) ? system : own;
}

CLI::Option *add_socket_option(CLI::App &app, std::string &socket) {
    return app
        .add_option("--socket", socket,
                    "Where quantd listens (default: QUANT_SOCKET, or your own daemon, or the system's)")
        ->type_name("PATH")
        ->check([](const std::string &text) { return text.empty() ? std::string("is empty") : std::string(); });
}

json::object DaemonClient::get(const std::string &path, std::chrono::seconds patience) const {
    return ask(socket_, Request(http::verb::get, path, 11), patience);
}

json::object DaemonClient::post(const std::string &path, const json::object &body,
                                std::chrono::seconds patience) const {
    Request request(http::verb::post, path, 11);
    request.set(http::field::content_type, "application/json");
    request.body() = json::serialize(body);
    return ask(socket_, std::move(request), patience);
}

} // namespace quantctl
