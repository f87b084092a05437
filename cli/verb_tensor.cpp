// quantctl tensor: one tensor, decoded to float32.
#include "failure.h"
#include "local_file.h"
#include "model_choice.h"
#include "verb.h"

namespace quantctl {

namespace {

struct TensorOptions {
    std::string model, name, out;
};

void tensor(const TensorOptions &options) {
    ContainerHandle container;
    check(quant_container_open(Out(container), path_of_model(options.model).c_str()));
    size_t index = 0;
    check(quant_container_find(container.get(), options.name.c_str(), &index),
          "quantctl tensors FILE lists the names.");
    auto info = sized<quant_tensor_info>();
    check(quant_container_tensor(container.get(), index, &info));
    std::vector<float> values(info.elements);
    check(quant_container_decode(container.get(), index, values.data(), values.size()));
    OutputFile file(options.out);
    file.write(values);
    file.commit();
}

} // namespace

Action add_tensor(CLI::App &app) {
    auto o = std::make_shared<TensorOptions>();
    app.add_option("MODEL", o->model, "A file, a folder, or a name of the catalog")->required();
    app.add_option("NAME", o->name, "Of the tensor, as quantctl tensors lists it")->required();
    app.add_option("--out", o->out, "Little-endian float32, row-major")->required()->type_name("T.f32");
    return [o] { tensor(*o); };
}

} // namespace quantctl
