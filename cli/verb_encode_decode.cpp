// quantctl encode and decode: weights to and from an encoding, as raw files.
#include "encoding_names.h"
#include "failure.h"
#include "owned_handles.h"
#include "local_file.h"
#include "numbers.h"
#include "verb.h"

namespace quantctl {

namespace {

struct EncodeDecodeOptions {
    std::string type, in, out, importance, method = "default";
    uint64_t rows = 0, cols = 0;

    std::string shape() const { return fmt::format("{} rows of {}", rows, cols); }
};

uint64_t encoded_bytes(const EncodeDecodeOptions &options, quant_encoding encoding) {
    uint64_t bytes = 0;
    check(quant_encoded_size(encoding, options.rows, options.cols, &bytes));
    return bytes;
}

void encode(const EncodeDecodeOptions &options) {
    const quant_encoding encoding = parse_encoding(options.type);
    const quant_method method = parse_method(options.method);
    if (method == QUANT_METHOD_IMPORTANCE && options.importance.empty())
        usage_error("--method importance needs --importance FILE");
    checked_bytes(options.rows, options.cols, sizeof(float));
    const uint64_t bytes = encoded_bytes(options, encoding);
    const std::vector<float> weights =
        read_floats(options.in, options.rows * options.cols, options.shape() + " float32 weights");
    std::vector<float> importance;
    if (!options.importance.empty())
        importance = read_floats(options.importance, options.cols, "a float32 for each of the columns");
    std::string encoded(bytes, '\0');
    auto request = initialized(quant_encode_options_init);
    request.method = method;
    if (!importance.empty()) request.importance = importance.data();
    check(quant_encode(encoding, weights.data(), options.rows, options.cols, &request, encoded.data(), bytes));
    OutputFile file(options.out);
    file.write(encoded);
    file.commit();
}

void decode(const EncodeDecodeOptions &options) {
    const quant_encoding encoding = parse_encoding(options.type);
    checked_bytes(options.rows, options.cols, sizeof(float));
    const uint64_t bytes = encoded_bytes(options, encoding);
    const std::string encoded =
        read_exactly(options.in, bytes, fmt::format("{} weights in {}", options.shape(), options.type));
    std::vector<float> weights(options.rows * options.cols);
    check(quant_decode(encoding, encoded.data(), bytes, options.rows, options.cols, weights.data()));
    OutputFile file(options.out);
    file.write(weights);
    file.commit();
}

std::shared_ptr<EncodeDecodeOptions> add_common(CLI::App &app, const char *in, const char *out) {
    auto o = std::make_shared<EncodeDecodeOptions>();
    app.add_option("TYPE", o->type, "An encoding; see quantctl types")->required();
    add_count(app, "--rows", o->rows, 1, "Rows")->required();
    add_count(app, "--cols", o->cols, 1, "Weights in a row")->required();
    app.add_option("IN", o->in, in)->required();
    app.add_option("OUT", o->out, out)->required();
    return o;
}

} // namespace

Action add_encode(CLI::App &app) {
    auto o = add_common(app, "Little-endian float32, row-major", "The encoded bytes");
    app.add_option("--importance", o->importance, "A float32 for each column, the same for all rows")
        ->type_name("W.f32");
    app.add_option("--method", o->method, "round, search, importance or default")->type_name("M");
    return [o] { encode(*o); };
}

Action add_decode(CLI::App &app) {
    auto o = add_common(app, "The encoded bytes", "Little-endian float32, row-major");
    return [o] { decode(*o); };
}

} // namespace quantctl
