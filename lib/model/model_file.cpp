#include "model/model_file.h"

#include "base/error.h"
#include "base/join.h"
#include "model/file_type.h"
#include "model/gguf_tokenizer.h"
#include "model/hugging_face_config.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

namespace quant {

namespace fs = std::filesystem;

namespace {

// Interleave or not: GGUF's row of a permuted tensor, as the folder numbers it.
// Within a head, GGUF's rows 2i and 2i+1 are the folder's rows i and i + d/2.
uint64_t source_row(const ModelTensor &tensor, uint64_t row) {
    if (tensor.permute_heads == 0) return row;
    const uint64_t head_dim = tensor.shape[0] / tensor.permute_heads;
    const uint64_t in_head = row % head_dim;
    return row - in_head + (in_head % 2) * (head_dim / 2) + in_head / 2;
}

std::string file_stem(const fs::path &path, const FileSource &files) {
    const bool folder = files.has_folder(path);
    std::error_code ignored;
    const fs::path canonical = fs::canonical(path, ignored); // Empty for those that are not on disk.
    const fs::path clean = folder && !canonical.empty() ? canonical : path;
    return folder ? clean.filename().string() : clean.stem().string();
}

std::vector<fs::path> existing_side_files(const fs::path &folder, const FileSource &source) {
    std::vector<fs::path> files;
    for (const char *name : {"config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json",
                             "special_tokens_map.json", "chat_template.jinja", "model.safetensors.index.json", "vocab.txt",
                             "modules.json", "sentence_bert_config.json", "1_Pooling/config.json"})
        if (source.has_file(folder / name)) files.push_back(folder / name);
    return files;
}

} // namespace

uint64_t ModelTensor::rows() const {
    uint64_t rows = 1;
    for (size_t i = 0; i + 1 < shape.size(); i++) rows *= shape[i];
    return rows;
}

uint64_t ModelTensor::source_bytes() const {
    uint64_t sum = 0;
    for (const TensorInfo *part : parts) sum += part->bytes;
    return parts.empty() && source ? source->bytes : sum;
}

std::shared_ptr<const ModelFile> ModelFile::open(const fs::path &path, const FileSource &files) {
    std::shared_ptr<ModelFile> file(new ModelFile);
    file->container_ = Container::open(path, files);
    if (file->container_->kind() == ContainerKind::gguf) {
        file->read_gguf(files);
    } else {
        const fs::path folder = files.has_folder(path) ? path : path.parent_path();
        file->read_hugging_face(folder.empty() ? "." : folder, files);
    }
    file->check_shapes();
    return file;
}

void ModelFile::read_gguf(const FileSource &files) {
    metadata_ = container_->metadata();
    hyperparameters_ = read_hyperparameters(metadata_);
    tokenizer_ = read_gguf_tokenizer(metadata_);
    name_ = metadata_.find_string("general.name").value_or(file_stem(container_->path(), files));
    for (const TensorInfo &t : container_->tensors())
        tensors_.push_back({t.name, role_of_gguf_name(t.name), t.shape, &t, {}, 0});
}

void ModelFile::read_hugging_face(const fs::path &folder, const FileSource &files) {
    HuggingFaceConfig config = read_hugging_face_config(folder, files);
    metadata_ = std::move(config.metadata);
    name_ = file_stem(folder, files);
    metadata_.set("general.name", name_);
    hyperparameters_ = read_hyperparameters(metadata_);
    hyperparameters_.rope.style = RopeStyle::halves;
    side_files_ = existing_side_files(folder, files);
    const Architecture &architecture = require_architecture(hyperparameters_.architecture, metadata_.name());

    for (const RoleTraits &traits : role_table()) {
        const uint32_t layers = traits.per_layer() ? hyperparameters_.layers : 1;
        for (uint32_t layer = 0; layer < layers; layer++) {
            if (traits.role == Role::output && (config.tied_embeddings || !hyperparameters_.style.causal)) continue;
            ModelTensor tensor{gguf_tensor_name(traits.role, layer), RoleOfTensor{traits.role, layer}, {}, nullptr, {}, 0};
            const bool found = find_source(traits, layer, tensor);
            if (!found && traits.role == Role::output)
                fail(QUANT_ERR_NOT_FOUND, "{}: tensor {} is missing, and tie_word_embeddings is not set",
                     metadata_.name(), traits.hugging_face_name);
            if (!found) continue;
            const bool q = traits.role == Role::attention_q || traits.role == Role::attention_q_bias;
            const bool k = traits.role == Role::attention_k || traits.role == Role::attention_k_bias;
            const uint32_t heads = q ? hyperparameters_.heads : k ? hyperparameters_.kv_heads : 0;
            tensor.permute_heads = architecture.permuted_in_gguf ? heads : 0;
            tensors_.push_back(std::move(tensor));
        }
    }
    if (!config.rope_divisors.empty())
        tensors_.push_back({gguf_tensor_name(Role::rope_divisors, 0), RoleOfTensor{Role::rope_divisors, 0},
                            {config.rope_divisors.size()}, nullptr, config.rope_divisors, 0});
    tokenizer_ = read_tokenizer_json(folder, files);
}

// Whether the folder has it, under one of its names; an expert's matrices must all be there,
// and be alike.
bool ModelFile::find_source(const RoleTraits &traits, uint32_t layer, ModelTensor &tensor) const {
    std::string_view pattern;
    const std::string_view before = require_architecture(hyperparameters_.architecture, metadata_.name()).prefix;
    for (const std::string_view name : {traits.hugging_face_name, traits.other_hugging_face_name}) {
        if (name.empty() || tensor.source) continue;
        tensor.source = container_->find(hugging_face_tensor_name(name, layer));
        if (!tensor.source && !before.empty())
            tensor.source = container_->find(std::string(before) + hugging_face_tensor_name(name, layer));
        pattern = name;
    }
    if (!tensor.source) return false;
    tensor.shape = tensor.source->shape;
    if (traits.kind != RoleKind::experts) return true;
    for (uint32_t expert = 0; expert < hyperparameters_.experts; expert++) {
        const TensorInfo &part = container_->require(hugging_face_tensor_name(pattern, layer, expert));
        if (part.shape != tensor.source->shape || part.encoding != tensor.source->encoding)
            fail(QUANT_ERR_MODEL, "{}: tensor {}: shape [{}] in {}, but {} has [{}] in {}", metadata_.name(), part.name,
                 joined(part.shape, ", "), part.type_name, tensor.source->name, joined(tensor.source->shape, ", "),
                 tensor.source->type_name);
        tensor.parts.push_back(&part);
    }
    tensor.shape.insert(tensor.shape.begin(), hyperparameters_.experts);
    return true;
}

// Every role that must be there is, with the shape that the numbers say; the
// vocabulary is counted by the embedding.
void ModelFile::check_shapes() {
    const std::string &file = metadata_.name();
    const ModelTensor *embedding = find(Role::token_embedding, 0);
    if (embedding && embedding->shape.size() == 2) {
        if (embedding->shape[0] == 0 || embedding->shape[0] > max_vocabulary)
            fail(QUANT_ERR_MODEL, "{}: tensor {}: {} rows, expected 1 to {}", file, embedding->name,
                 embedding->shape[0], max_vocabulary);
        hyperparameters_.vocabulary = static_cast<uint32_t>(embedding->shape[0]);
        // Embeddings may have more rows than the tokenizer has ids; GGUF wants a token for each.
        if (tokenizer_.tokens.size() > hyperparameters_.vocabulary)
            fail(QUANT_ERR_TOKENIZER, "{}: the tokenizer has {} tokens, but the embedding only {} rows", file,
                 tokenizer_.tokens.size(), hyperparameters_.vocabulary);
        pad_vocabulary(tokenizer_, hyperparameters_.vocabulary);
    }
    if (const ModelTensor *types = find(Role::token_types, 0); types && types->shape.size() == 2) {
        if (types->shape[0] == 0 || types->shape[0] > max_token_types)
            fail(QUANT_ERR_MODEL, "{}: tensor {}: {} rows, expected 1 to {}", file, types->name, types->shape[0],
                 max_token_types);
        hyperparameters_.token_types = static_cast<uint32_t>(types->shape[0]);
    }
    std::map<std::pair<Role, uint32_t>, const ModelTensor *> by_role;
    for (const ModelTensor &t : tensors_)
        if (t.role) by_role[{t.role->role, t.role->layer}] = &t;
    for (const RoleTraits &traits : role_table()) {
        const std::vector<uint64_t> expected = expected_shape(traits.role, hyperparameters_);
        for (uint32_t layer = 0; layer < (traits.per_layer() ? hyperparameters_.layers : 1); layer++) {
            const auto found = by_role.find({traits.role, layer});
            if (found == by_role.end()) {
                if (!traits.required(hyperparameters_)) continue;
                const bool folder = container_->kind() == ContainerKind::safetensors;
                fail(QUANT_ERR_NOT_FOUND, "{}: tensor {} is missing", file,
                     folder ? hugging_face_tensor_name(traits.hugging_face_name, layer) : gguf_tensor_name(traits.role, layer));
            }
            const ModelTensor &t = *found->second;
            if (t.shape != expected)
                fail(QUANT_ERR_MODEL, "{}: tensor {}: shape [{}], expected [{}]", file, t.name,
                     joined(t.shape, ", "), joined(expected, ", "));
            if (t.source && !t.source->encoding)
                fail(QUANT_ERR_UNSUPPORTED, "{}: tensor {}: encoding {} is not supported", file, t.name,
                     t.source->type_name);
        }
    }
    read_rope_divisors();
}

void ModelFile::read_rope_divisors() {
    const ModelTensor *divisors = find(Role::rope_divisors, 0);
    if (!divisors) return;
    std::vector<float> values(divisors->elements());
    decode_rows(*divisors, 0, 1, values.data());
    for (const float v : values)
        if (!(std::isfinite(v) && v > 0))
            fail(QUANT_ERR_MODEL, "{}: tensor {}: expected positive numbers", metadata_.name(), divisors->name);
    hyperparameters_.rope.divisors = std::move(values);
}

const ModelTensor *ModelFile::find(Role role, uint32_t layer) const {
    for (const ModelTensor &t : tensors_)
        if (t.role && t.role->role == role && t.role->layer == layer) return &t;
    return nullptr;
}

uint64_t ModelFile::parameters() const {
    uint64_t sum = 0;
    for (const ModelTensor &t : tensors_) sum += t.source ? t.elements() : 0;
    return sum;
}

uint64_t ModelFile::tensor_bytes() const {
    uint64_t sum = 0;
    for (const ModelTensor &t : tensors_) sum += t.source_bytes();
    return sum;
}

double ModelFile::bits_per_weight() const {
    return 8.0 * static_cast<double>(tensor_bytes()) / static_cast<double>(std::max<uint64_t>(1, parameters()));
}

std::string ModelFile::type_name() const {
    if (const auto number = metadata_.find_uint("general.file_type"))
        if (const std::string_view name = file_type_name(*number); !name.empty()) return std::string(name);
    std::map<std::string, uint64_t> elements;
    for (const ModelTensor &t : tensors_)
        if (t.source) elements[t.source->type_name] += t.elements();
    const auto most = std::max_element(elements.begin(), elements.end(),
                                       [](const auto &a, const auto &b) { return a.second < b.second; });
    return most == elements.end() ? "empty" : most->first;
}

std::vector<fs::path> ModelFile::files() const {
    std::vector<fs::path> files = container_->files();
    files.insert(files.end(), side_files_.begin(), side_files_.end());
    return files;
}

std::span<const std::byte> ModelFile::matrix_bytes(const ModelTensor &tensor, uint64_t matrix) const {
    if (!tensor.parts.empty()) return container_->data(*tensor.parts[matrix]);
    const std::span<const std::byte> all = container_->data(*tensor.source);
    const uint64_t bytes = all.size() / std::max<uint64_t>(1, tensor.matrices());
    return all.subspan(matrix * bytes, bytes);
}

void ModelFile::decode_rows(const ModelTensor &tensor, uint64_t first, uint64_t count, float *out) const {
    const uint64_t cols = tensor.cols();
    if (!tensor.source) {
        std::memcpy(out, tensor.made.data() + first * cols, count * cols * sizeof(float));
        return;
    }
    const EncodingTraits &encoding = encoding_traits(tensor.source->encoding ? tensor.source->encoding->id
                                                                             : static_cast<quant_encoding>(-1));
    const uint64_t row_bytes = encoded_bytes(encoding, 1, cols);
    // A permuted vector (a bias) has one element for each row of its matrix.
    if (tensor.permute_heads != 0 && tensor.shape.size() == 1) {
        std::vector<float> plain(cols);
        encoding.decode(matrix_bytes(tensor, 0).data(), plain.data(), cols / encoding.block_weights);
        for (uint64_t i = 0; i < cols; i++) out[i] = plain[source_row(tensor, i)];
        return;
    }
    const uint64_t matrix_rows = tensor.matrix_rows();
    for (uint64_t done = 0; done < count;) {
        const uint64_t top = (first + done) % matrix_rows, n = std::min(count - done, matrix_rows - top);
        const std::byte *matrix = matrix_bytes(tensor, (first + done) / matrix_rows).data();
        for (uint64_t r = 0; r < n; r++, done++)
            encoding.decode(matrix + source_row(tensor, top + r) * row_bytes, out + done * cols,
                            cols / encoding.block_weights);
    }
}

} // namespace quant
