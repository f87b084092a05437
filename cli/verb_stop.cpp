// quantctl stop: quantd lets a model go.
#include "daemon_client.h"
#include "json_fields.h"
#include "output.h"
#include "verb.h"

namespace quantctl {

namespace {

struct StopOptions {
    std::string model, socket;
    bool as_json = false;
};

void stop(const StopOptions &options) {
    const json::object done = DaemonClient(options.socket).post("/quant/v1/unload", {{"model", options.model}});
    std::string model = text_of(member(done, "model")); // The name in full.
    if (model.empty()) model = options.model;
    if (options.as_json)
        return print_json({{"schema_version", schema_version}, {"model", model}, {"status", "unloading"}});
    print("{} goes as soon as nobody uses it.\n", harmless(model));
}

} // namespace

Action add_stop(CLI::App &app) {
    auto o = std::make_shared<StopOptions>();
    app.add_option("MODEL", o->model, "A model that quantd holds")->required();
    add_socket_option(app, o->socket);
    app.add_flag("--json", o->as_json, "Print a JSON document");
    return [o] { stop(*o); };
}

} // namespace quantctl
