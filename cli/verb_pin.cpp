// quantctl pin: quantd keeps a model for good, or no longer.
#include "daemon_client.h"
#include "output.h"
#include "verb.h"

namespace quantctl {

namespace {

// A model that is not there yet may be loaded first.
constexpr std::chrono::seconds loading_patience{600};

struct PinOptions {
    std::string model, socket;
    bool off = false, as_json = false;
};

void pin(const PinOptions &options) {
    DaemonClient(options.socket)
        .post("/quant/v1/pin", {{"model", options.model}, {"pinned", !options.off}}, loading_patience);
    if (options.as_json)
        return print_json({{"schema_version", schema_version}, {"model", options.model}, {"pinned", !options.off}});
    print("{} {}.\n", harmless(options.model), options.off ? "may go when it is not used" : "stays resident");
}

} // namespace

Action add_pin(CLI::App &app) {
    auto o = std::make_shared<PinOptions>();
    app.add_option("MODEL", o->model, "A model of quantd's catalog")->required();
    app.add_flag("--off", o->off, "It may go again when it is not used");
    add_socket_option(app, o->socket);
    app.add_flag("--json", o->as_json, "Print a JSON document");
    return [o] { pin(*o); };
}

} // namespace quantctl
