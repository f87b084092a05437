// quantd: settings, signals and the routes every daemon has.
#include "server.h"

#include <quant/version.h>

#include <fmt/format.h>

#include <csignal>
#include <cstdio>

int main(int argc, char **argv) {
    using namespace quantd;
    std::signal(SIGPIPE, SIG_IGN);
    try {
        if (argc != 2) return 2;
        UnixSocketFile file(argv[1]);
        Router router;
        router.add(
            {"GET", "/", [](RequestPtr, ReplyPtr reply) { reply->send(200, "text/plain", "Ollama is running"); }});
        ServerOptions options;
        options.sockets.push_back(file.take_socket());
        Server server(std::move(options), router);
        server.on_signal(SIGTERM, [&] { server.drain(Seconds(30)); });
        server.run();
        return 0;
    } catch (const Taken &taken) {
        fmt::print(stderr, "quantd: {}\n", taken.what());
        return 75;
    } catch (const std::exception &error) {
        fmt::print(stderr, "quantd: {}\n", error.what());
        return 1;
    }
}
