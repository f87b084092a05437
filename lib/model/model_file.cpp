#include "model/model_file.h"

#include "base/error.h"
#include "base/join.h"
#include "base/json.h"
#include "container/checkpoint.h"
#include "model/file_type.h"
#include "model/folder_view.h"
#include "model/gguf_tokenizer.h"
#include "model/hugging_face_config.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

namespace quant {

namespace fs = std::filesystem;

namespace {

constexpr uint64_t max_side_file = 256 << 20;

// The stored row that a tensor's row is.
uint64_t stored_row(const ModelTensor &tensor, uint64_t row, RowOrder order) {
    if (order == RowOrder::gguf) row = folder_row(tensor.shape[0], tensor.permute_heads, row);
    return tensor.view.first + row * tensor.view.step;
}

const EncodingTraits &encoding_of(const TensorInfo &stored) {
    return encoding_traits(stored.encoding ? stored.encoding->id : static_cast<quant_encoding>(-1));
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

// Within a head, GGUF's rows 2i and 2i+1 are the folder's rows i and i + d/2.
uint64_t folder_row(uint64_t rows, uint32_t heads, uint64_t row) {
    if (heads == 0) return row;
    const uint64_t head_dim = rows / heads;
    const uint64_t in_head = row % head_dim;
    return row - in_head + (in_head % 2) * (head_dim / 2) + in_head / 2;
}

uint32_t permuted_heads(Role role, const Hyperparameters &h, const Architecture &architecture) {
    if (!architecture.permuted_in_gguf) return 0;
    if (role == Role::attention_q || role == Role::attention_q_bias) return h.heads;
    return role == Role::attention_k || role == Role::attention_k_bias ? h.kv_heads : 0;
}

uint64_t ModelTensor::rows() const {
    uint64_t rows = 1;
    for (size_t i = 0; i + 1 < shape.size(); i++) rows *= shape[i];
    return rows;
}

uint64_t ModelTensor::source_bytes() const {
    uint64_t sum = 0, stored = 0;
    for (uint64_t m = 0; source && m < std::max<size_t>(1, parts.size()); m++)
        sum += this->stored(m).bytes, stored += this->stored(m).elements();
    // Of what others are views of as well, its own.
    return stored == elements() ? sum
                                : static_cast<uint64_t>(static_cast<double>(sum) / static_cast<double>(stored) *
                                                        static_cast<double>(elements()));
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
    file->split_keys_and_values();
    file->check_shapes();
    return file;
}

std::shared_ptr<const ModelFile> ModelFile::as_folder(const ModelFile &gguf) {
    std::shared_ptr<ModelFile> file(new ModelFile);
    FolderView view = view_as_folder(gguf);
    file->container_ = std::move(view.tensors);
    file->made_files_ = std::move(view.files);
    file->read_hugging_face(file->made_files_->folder(), *file->made_files_);
    file->name_ = gguf.name_;
    file->check_shapes();
    require_same_model(gguf, *file);
    return file;
}

void ModelFile::read_gguf(const FileSource &files) {
    metadata_ = container_->metadata();
    hyperparameters_ = read_hyperparameters(metadata_);
    architecture_ = &require_architecture(hyperparameters_.architecture, metadata_.name());
    tokenizer_ = read_gguf_tokenizer(metadata_);
    name_ = metadata_.find_string("general.name").value_or(file_stem(container_->path(), files));
    for (const TensorInfo &t : container_->tensors())
        if (!add_fused(t)) tensors_.push_back({t.name, role_of_gguf_name(*architecture_, t.name), t.shape, &t, {}, 0});
}

// Whether a GGUF tensor has rows of several roles; then each has a tensor.
bool ModelFile::add_fused(const TensorInfo &t) {
    const std::vector<RoleOfTensor> roles = architecture_->fused_roles(t.name);
    for (const RoleOfTensor &r : roles) {
        const RoleName name = architecture_->name_of(role_traits(r.role));
        ModelTensor tensor{gguf_tensor_name(r.role, r.layer), r, t.shape, &t, {}, 0};
        view_rows(name, tensor);
        tensor.fused = fused_place(name, r.layer);
        tensors_.push_back(std::move(tensor));
    }
    return !roles.empty();
}

std::optional<FusedPlace> ModelFile::fused_place(const RoleName &name, uint32_t layer) const {
    if (name.fused_gguf_name[0] == 0) return std::nullopt;
    FusedPlace place{hugging_face_tensor_name(name.fused_gguf_name, layer)};
    place.first_row = architecture_->view_of(name, hyperparameters_, place.rows).first;
    return place;
}

void ModelFile::read_hugging_face(const fs::path &folder, const FileSource &files) {
    HuggingFaceConfig config = read_hugging_face_config(folder, files);
    container_ = open_checkpoint(container_, json::Reader(config.document, (folder / "config.json").string()));
    metadata_ = std::move(config.metadata);
    name_ = file_stem(folder, files);
    metadata_.set("general.name", name_);
    hyperparameters_ = read_hyperparameters(metadata_);
    side_files_ = existing_side_files(folder, files);
    const Architecture &architecture = *config.architecture;
    architecture_ = &architecture;
    if (!architecture.interleaved_rope)
        hyperparameters_.rope.style = hyperparameters_.local_rope.style = RopeStyle::halves;

    for (const RoleTraits &traits : role_table()) {
        const uint32_t layers = traits.per_layer() ? hyperparameters_.layers : 1;
        if (!traits.possible(hyperparameters_)) continue;
        for (uint32_t layer = 0; layer < layers; layer++) {
            if (traits.role == Role::output && (config.tied_embeddings || !hyperparameters_.style.causal)) continue;
            ModelTensor tensor{gguf_tensor_name(architecture, traits.role, layer), RoleOfTensor{traits.role, layer}, {}, nullptr, {}, 0};
            const bool found = find_source(architecture, traits, layer, tensor);
            if (!found && traits.role == Role::output)
                fail(QUANT_ERR_NOT_FOUND, "{}: tensor {} is missing, and tie_word_embeddings is not set",
                     metadata_.name(), traits.hugging_face_name);
            if (!found) continue;
            tensor.permute_heads = permuted_heads(traits.role, hyperparameters_, architecture);
            tensor.fused = fused_place(architecture.name_of(traits), layer);
            tensor.added = architecture.norms_less_one && traits.is_norm() ? 1.0f : 0.0f;
            tensors_.push_back(std::move(tensor));
        }
    }
    for (auto &[role, values] : config.made) {
        const uint64_t count = values.size();
        tensors_.push_back({gguf_tensor_name(role, 0), RoleOfTensor{role, 0}, {count}, nullptr, std::move(values), 0});
    }
    require_biases(config, architecture);
    tokenizer_ = read_tokenizer_json(folder, files);
}

// What the configuration says is there.
void ModelFile::require_biases(const HuggingFaceConfig &config, const Architecture &architecture) const {
    for (const Role role : config.biases)
        for (uint32_t layer = 0; layer < hyperparameters_.layers; layer++)
            if (!find(role, layer))
                fail(QUANT_ERR_NOT_FOUND, "{}: tensor {} is missing", metadata_.name(),
                     hugging_face_tensor_name(architecture.name_of(role_traits(role)).hugging_face_name, layer));
}

// Whether the folder has it; of experts, each a tensor by itself, all must be there, and be alike.
bool ModelFile::find_source(const Architecture &architecture, const RoleTraits &traits, uint32_t layer,
                            ModelTensor &tensor) const {
    const RoleName name = architecture.name_of(traits);
    const std::string_view pattern = name.hugging_face_name;
    if (pattern.empty()) return false;
    tensor.source = container_->find(hugging_face_tensor_name(pattern, layer));
    if (!tensor.source && architecture.prefix[0] != 0)
        tensor.source = container_->find(architecture.prefix + hugging_face_tensor_name(pattern, layer));
    if (!tensor.source) return false;
    // Where gpt-oss's experts are floats, rows and columns are the other way round.
    if (architecture.experts_are_all && traits.kind == RoleKind::experts && !tensor.source->made)
        fail(QUANT_ERR_UNSUPPORTED, "{}: tensor {}: experts of type {} are not supported; expected MXFP4, in two tensors \"{}_blocks\" "
             "and \"{}_scales\"", metadata_.name(), tensor.source->name, tensor.source->type_name, tensor.source->name,
             tensor.source->name);
    tensor.shape = tensor.source->shape;
    // A kernel for each channel by itself has a dimension of one input.
    if (traits.role == Role::conv_kernel && tensor.shape.size() == 3 && tensor.shape[1] == 1) tensor.shape.erase(tensor.shape.begin() + 1);
    if (name.fusion != Fusion::none) view_rows(name, tensor);
    if (pattern.find('#') == std::string_view::npos) return true;
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

// Of a fused tensor, the rows of one role.
void ModelFile::view_rows(const RoleName &name, ModelTensor &tensor) const {
    const size_t behind = tensor.is_vector() ? 1 : 2; // Dimensions from that of rows on.
    std::vector<uint64_t> fused = tensor.shape;
    uint64_t rows = 0;
    tensor.view = architecture_->view_of(name, hyperparameters_, rows);
    if (fused.size() < behind || fused[fused.size() - behind] != rows)
        fail(QUANT_ERR_MODEL, "{}: tensor {}: shape [{}], expected {} rows", metadata_.name(), tensor.source->name,
             joined(fused, ", "), rows);
    const std::vector<uint64_t> own = expected_shape(name.role, hyperparameters_);
    tensor.shape[fused.size() - behind] = own[own.size() - behind];
}

// The matrix that would make keys and values of narrow vectors: for each head rows of its key, then of its value.
void ModelFile::split_keys_and_values() {
    const Hyperparameters &h = hyperparameters_;
    for (uint32_t layer = 0; h.latent.rank != 0 && layer < h.layers; layer++) {
        const TensorInfo *both = nullptr;
        for (const char *name : {"model.layers.%.self_attn.kv_b_proj.weight", "blk.%.attn_kv_b.weight"})
            if (!both) both = container_->find(hugging_face_tensor_name(name, layer));
        if (!both || find(Role::latent_key, layer)) continue;
        const uint64_t heads = h.heads, key = h.latent.plain_dims, value = h.latent.value_dims, rank = h.latent.rank;
        const std::vector<uint64_t> expected{heads * (key + value), rank};
        if (both->shape != expected)
            fail(QUANT_ERR_MODEL, "{}: tensor {}: shape [{}], expected [{}]", metadata_.name(), both->name,
                 joined(both->shape, ", "), joined(expected, ", "));
        std::erase_if(tensors_, [&](const ModelTensor &t) { return t.name == both->name; });
        const auto add = [&](Role role, std::vector<uint64_t> shape, uint64_t first, bool turned) {
            ModelTensor part{gguf_tensor_name(role, layer), RoleOfTensor{role, layer}, std::move(shape), both, {}, 0};
            part.view.first = first, part.turned = turned;
            tensors_.push_back(std::move(part));
        };
        add(Role::latent_key, {heads, rank, key}, 0, true);
        add(Role::latent_value, {heads, value, rank}, key, false);
    }
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
                if (!traits.required(hyperparameters_, layer)) continue;
                const bool folder = container_->kind() == ContainerKind::safetensors;
                fail(QUANT_ERR_NOT_FOUND, "{}: tensor {} is missing", file,
                     folder ? hugging_face_tensor_name(architecture_->name_of(traits).hugging_face_name, layer)
                            : gguf_tensor_name(traits.role, layer));
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

std::vector<float> ModelFile::positive_numbers(Role role) const {
    const ModelTensor *tensor = find(role, 0);
    if (!tensor) return {};
    std::vector<float> values(tensor->elements());
    decode_rows(*tensor, 0, 1, values.data());
    for (const float v : values)
        if (!(std::isfinite(v) && v > 0))
            fail(QUANT_ERR_MODEL, "{}: tensor {}: expected positive numbers", metadata_.name(), tensor->name);
    return values;
}

void ModelFile::read_rope_divisors() {
    RopeParameters &rope = hyperparameters_.rope;
    if (find(Role::rope_divisors, 0)) rope.divisors = positive_numbers(Role::rope_divisors);
    std::vector<float> near = positive_numbers(Role::rope_short_divisors),
                       far = positive_numbers(Role::rope_long_divisors);
    if (near.empty() != far.empty())
        fail(QUANT_ERR_NOT_FOUND, "{}: tensor {} is missing", metadata_.name(),
             gguf_tensor_name(near.empty() ? Role::rope_short_divisors : Role::rope_long_divisors, 0));
    if (far.empty()) return;
    if (rope.long_from == 0)
        fail(QUANT_ERR_MODEL,
             "{}: key {}.rope.scaling.original_context_length is missing: it tells when factors change",
             metadata_.name(), hyperparameters_.architecture);
    rope.divisors = std::move(near), rope.long_divisors = std::move(far);
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
    if (!made_files_) files.insert(files.end(), side_files_.begin(), side_files_.end());
    return files;
}

std::string ModelFile::side_text(const fs::path &file) const {
    const FileSource &files = made_files_ ? *made_files_ : FileSource::disk();
    return files.text(file, max_side_file);
}

std::span<const std::byte> ModelFile::matrix_bytes(const ModelTensor &tensor, uint64_t matrix) const {
    const TensorInfo &stored = tensor.stored(matrix);
    const uint64_t row_bytes = encoded_bytes(encoding_of(stored), 1, stored.cols());
    return container_->data(stored).subspan((tensor.first_stored_row(matrix) + tensor.view.first) * row_bytes,
                                            tensor.matrix_rows() * row_bytes);
}

void ModelFile::copy_rows(const ModelTensor &tensor, uint64_t matrix, uint64_t first, uint64_t count,
                          std::byte *out) const {
    const TensorInfo &stored = tensor.stored(matrix);
    const uint64_t top = tensor.first_stored_row(matrix);
    if (tensor.view.contiguous())
        return container_->copy_rows(stored, top + stored_row(tensor, first, RowOrder::source), count, out);
    const uint64_t row_bytes = encoded_bytes(encoding_of(stored), 1, stored.cols());
    for (uint64_t r = 0; r < count; r++)
        container_->copy_rows(stored, top + stored_row(tensor, first + r, RowOrder::source), 1, out + r * row_bytes);
}

// The stretch of stored rows that has those asked for, from row `low` on: they are made at once, since neighbours share
// their words.
std::vector<std::byte> ModelFile::encoded_stretch(const ModelTensor &tensor, uint64_t matrix, uint64_t first, uint64_t count,
                                                  RowOrder order, uint64_t &low) const {
    const TensorInfo &stored = tensor.stored(matrix);
    uint64_t high = 0;
    low = UINT64_MAX;
    for (uint64_t r = 0; r < count; r++) {
        const uint64_t row = stored_row(tensor, first + r, order);
        low = std::min(low, row), high = std::max(high, row + 1);
    }
    std::vector<std::byte> out((high - low) * encoded_bytes(encoding_of(stored), 1, stored.cols()));
    container_->copy_rows(stored, tensor.first_stored_row(matrix) + low, high - low, out.data());
    return out;
}

void ModelFile::decode_made(const ModelTensor &tensor, uint64_t matrix, uint64_t first, uint64_t count, float *out,
                            RowOrder order) const {
    const TensorInfo &stored = tensor.stored(matrix);
    const EncodingTraits &encoding = encoding_of(stored);
    const uint64_t cols = tensor.cols(), row_bytes = encoded_bytes(encoding, 1, cols);
    uint64_t low = 0;
    const std::vector<std::byte> stretch = encoded_stretch(tensor, matrix, first, count, order, low);
    for (uint64_t r = 0; r < count; r++) {
        encoding.decode(stretch.data() + (stored_row(tensor, first + r, order) - low) * row_bytes, out + r * cols,
                        cols / encoding.block_weights);
        restore_columns(stored, out + r * cols);
    }
}

ModelFile::StoredRow ModelFile::stored_place(const ModelTensor &tensor, uint64_t row) const {
    const uint64_t matrix = row / tensor.matrix_rows(), in_matrix = row % tensor.matrix_rows();
    return {&tensor.stored(matrix), tensor.first_stored_row(matrix) + stored_row(tensor, in_matrix, RowOrder::gguf)};
}

void ModelFile::encoded_rows(const ModelTensor &tensor, uint64_t first, uint64_t count, std::byte *out) const {
    const uint64_t matrix_rows = tensor.matrix_rows();
    for (uint64_t done = 0; done < count;) {
        const uint64_t matrix = (first + done) / matrix_rows, top = (first + done) % matrix_rows;
        const uint64_t n = std::min(count - done, matrix_rows - top);
        const TensorInfo &stored = tensor.stored(matrix);
        const uint64_t row_bytes = encoded_bytes(encoding_of(stored), 1, stored.cols());
        if (tensor.permute_heads == 0 && tensor.view.contiguous()) {
            container_->copy_rows(stored, tensor.first_stored_row(matrix) + tensor.view.first + top, n, out);
            out += n * row_bytes, done += n;
            continue;
        }
        uint64_t low = 0;
        const std::vector<std::byte> stretch = encoded_stretch(tensor, matrix, top, n, RowOrder::gguf, low);
        for (uint64_t r = 0; r < n; r++, out += row_bytes)
            std::memcpy(out, stretch.data() + (stored_row(tensor, top + r, RowOrder::gguf) - low) * row_bytes, row_bytes);
        done += n;
    }
}

void ModelFile::decode_rows(const ModelTensor &tensor, uint64_t first, uint64_t count, float *out, RowOrder order) const {
    decode_source(tensor, first, count, out, order);
    if (edit_) edit_(tensor, first, count, out, order);
}

void ModelFile::decode_source(const ModelTensor &tensor, uint64_t first, uint64_t count, float *out, RowOrder order) const {
    const uint64_t cols = tensor.cols();
    if (!tensor.source) {
        std::memcpy(out, tensor.made.data() + first * cols, count * cols * sizeof(float));
        return;
    }
    if (tensor.is_vector()) return decode_vectors(tensor, first, count, out, order);
    const EncodingTraits &encoding = encoding_of(*tensor.source);
    const uint64_t row_bytes = encoded_bytes(encoding, 1, tensor.source->cols()), matrix_rows = tensor.matrix_rows();
    for (uint64_t done = 0; done < count;) {
        const uint64_t matrix = (first + done) / matrix_rows, top = (first + done) % matrix_rows;
        const uint64_t n = std::min(count - done, matrix_rows - top);
        float *to = out + done * cols;
        done += n;
        if (tensor.turned) {
            decode_turned(tensor, matrix, top, n, to);
            continue;
        }
        if (tensor.source->made) {
            decode_made(tensor, matrix, top, n, to, order);
            continue;
        }
        const std::byte *rows =
            container_->data(tensor.stored(matrix)).data() + tensor.first_stored_row(matrix) * row_bytes;
        for (uint64_t r = 0; r < n; r++)
            encoding.decode(rows + stored_row(tensor, top + r, order) * row_bytes, to + r * cols,
                            cols / encoding.block_weights);
    }
}

void ModelFile::decode_turned(const ModelTensor &tensor, uint64_t matrix, uint64_t first, uint64_t count,
                              float *out) const {
    const TensorInfo &stored = tensor.stored(matrix);
    const EncodingTraits &encoding = encoding_of(stored);
    const uint64_t top = tensor.first_stored_row(matrix) + tensor.view.first, cols = tensor.cols();
    std::vector<std::byte> bytes(encoded_bytes(encoding, 1, stored.cols()));
    std::vector<float> row(stored.cols());
    for (uint64_t c = 0; c < cols; c++) {
        container_->copy_rows(stored, top + c, 1, bytes.data());
        encoding.decode(bytes.data(), row.data(), stored.cols() / encoding.block_weights);
        restore_columns(stored, row.data());
        for (uint64_t r = 0; r < count; r++) out[r * cols + c] = row[first + r];
    }
}

void ModelFile::decode_vectors(const ModelTensor &tensor, uint64_t first, uint64_t count, float *out,
                               RowOrder order) const {
    const EncodingTraits &encoding = encoding_of(*tensor.source);
    const uint64_t cols = tensor.cols(), stored_cols = tensor.source->cols();
    std::vector<std::byte> bytes(encoded_bytes(encoding, 1, stored_cols));
    std::vector<float> stored(stored_cols);
    for (uint64_t r = 0; r < count; r++) {
        container_->copy_rows(*tensor.source, first + r, 1, bytes.data());
        encoding.decode(bytes.data(), stored.data(), stored_cols / encoding.block_weights);
        for (uint64_t i = 0; i < cols; i++) out[r * cols + i] = stored[stored_row(tensor, i, order)] + tensor.added;
    }
}

std::shared_ptr<const ModelFile> ModelFile::with_rows(RowEdit edit) const {
    std::shared_ptr<ModelFile> out(new ModelFile(*this));
    out->edit_ = std::move(edit);
    return out;
}

} // namespace quant
