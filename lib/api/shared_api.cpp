#include <quant/shared.h>

#include "api/guard.h"
#include "api/handles.h"
#include "client/daemon_socket.h"
#include "client/shared_model.h"

#include <algorithm>

using namespace quant;
using namespace quant::api;

namespace {

constexpr double usual_timeout_seconds = 300;

// The folder that a model's files are in, some of them perhaps in folders of it.
size_t bytes_of_root(std::span<const LendableFiles::Opened> files) {
    size_t out = SIZE_MAX;
    for (const LendableFiles::Opened &o : files) out = std::min(out, o.file->path().parent_path().native().size());
    return out;
}

quant_shared_options default_shared_options() {
    quant_shared_options o{};
    o.size = sizeof o;
    return o;
}

} // namespace

extern "C" {

void quant_shared_options_init(quant_shared_options *options, size_t size) {
    init_struct(options, size, default_shared_options());
}

quant_status quant_model_open_shared(quant_model **out, const char *name, const quant_shared_options *options) {
    return guarded([&] {
        require(out, "out");
        *out = nullptr;
        require(name, "name");
        const quant_shared_options o = read_struct(options, default_shared_options(), "options");
        constexpr uint32_t known = QUANT_SHARED_VERIFY;
        if ((o.flags & ~known) != 0) fail(QUANT_ERR_ARGUMENT, "options.flags is {:#x}; known are {:#x}", o.flags, known);
        if (!(o.timeout_seconds >= 0))
            fail(QUANT_ERR_ARGUMENT, "options.timeout_seconds is {}, expected at least 0", o.timeout_seconds);
        Progress progress(o.progress, o.user);
        const auto shared = SharedModel::borrow(
            name, {daemon_socket_path(o.socket), o.timeout_seconds == 0 ? usual_timeout_seconds : o.timeout_seconds,
                   (o.flags & QUANT_SHARED_VERIFY) != 0, o.progress ? &progress : nullptr});
        *out = new quant_model(std::function<LazyModel::Pointer()>([shared] { return shared->open(); }));
    });
}

quant_status quant_model_get_lent_part(const quant_model *model, size_t index, quant_lent_part *part) {
    return guarded([&] {
        require(model, "model"), require(part, "part");
        const std::span<const LendableFiles::Opened> files = model->model->lent_files();
        quant_lent_part value{};
        value.name = value.origin = "";
        value.files = files.size();
        if (index < files.size()) {
            const LendableFiles::Opened &o = files[index];
            value.kind = QUANT_LENT_FILE;
            value.descriptor = o.descriptor.get();
            const std::string &path = o.file->path().native();
            const size_t at = bytes_of_root(files);
            value.name = path.c_str() + at + (path[at] == '/' ? 1 : 0);
            value.bytes = o.file->bytes().size();
        } else {
            const LentPack *pack = model->model->lend().pack;
            if (index > files.size() || !pack)
                fail(QUANT_ERR_NOT_FOUND, "part {} of {}", index, files.size() + (pack ? 1 : 0));
            value.kind = QUANT_LENT_PACK;
            value.descriptor = pack->pack->descriptor();
            value.origin = pack->origin.c_str();
            value.bytes = pack->pack->bytes().size();
            value.sealed = pack->sealed;
        }
        write_struct(part, value, "part");
    });
}

} // extern "C"
