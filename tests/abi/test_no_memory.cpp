// What becomes of calls when memory runs out: the n-th allocation fails, once or from then on, for many n. Each call must
// come back with a status, the library must be usable afterwards, and nothing may abort.
//
//     test_no_memory MODEL_FOLDER SCRATCH_FOLDER [POINTS [SCENARIO]]
//
// This program's operator new stands in for the library's too. A scenario has as many points as it allocates; of more than
// POINTS (2000) the first fifth are tried, and of the rest every so-manieth.
#include <quant/handles.hpp>

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <new>
#include <string>
#include <vector>

namespace {

std::atomic<long> allocations{0}, failing_from{-1};
std::atomic<bool> goes_on{false};

bool fails() {
    const long from = failing_from.load(std::memory_order_relaxed);
    const long number = allocations.fetch_add(1, std::memory_order_relaxed);
    return from >= 0 && (goes_on.load(std::memory_order_relaxed) ? number >= from : number == from);
}

void *allocated(size_t bytes, size_t alignment) {
    if (fails()) return nullptr;
    if (alignment <= alignof(std::max_align_t)) return std::malloc(bytes ? bytes : 1);
    return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

void *allocated_or_thrown(size_t bytes, size_t alignment = 1) {
    if (void *p = allocated(bytes, alignment)) return p;
    throw std::bad_alloc();
}

} // namespace

void *operator new(size_t n) { return allocated_or_thrown(n); }
void *operator new[](size_t n) { return allocated_or_thrown(n); }
void *operator new(size_t n, std::align_val_t a) { return allocated_or_thrown(n, static_cast<size_t>(a)); }
void *operator new[](size_t n, std::align_val_t a) { return allocated_or_thrown(n, static_cast<size_t>(a)); }
void *operator new(size_t n, const std::nothrow_t &) noexcept { return allocated(n, 1); }
void *operator new[](size_t n, const std::nothrow_t &) noexcept { return allocated(n, 1); }
void operator delete(void *p) noexcept { std::free(p); }
void operator delete[](void *p) noexcept { std::free(p); }
void operator delete(void *p, size_t) noexcept { std::free(p); }
void operator delete[](void *p, size_t) noexcept { std::free(p); }
void operator delete(void *p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void *p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void *p, size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void *p, size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete(void *p, const std::nothrow_t &) noexcept { std::free(p); }
void operator delete[](void *p, const std::nothrow_t &) noexcept { std::free(p); }

namespace {

using namespace quant;
namespace fs = std::filesystem;

std::string model_folder, scratch;

/// The calls of a scenario, one after another, until one fails. They use no memory of this program's.
struct Scenario {
    const char *name;
    quant_status (*run)();
};

constexpr char prompt[] = "In the beginning God created";

quant_status container() {
    ContainerHandle c;
    quant_status status = quant_container_open(Out(c), model_folder.c_str());
    if (status != QUANT_OK) return status;
    auto info = sized<quant_tensor_info>();
    status = quant_container_tensor(c.get(), 0, &info);
    StringHandle json;
    return status == QUANT_OK ? quant_container_metadata(c.get(), 8, Out(json)) : status;
}

quant_status text() {
    TokenizerHandle t;
    quant_status status = quant_tokenizer_open(Out(t), model_folder.c_str());
    if (status != QUANT_OK) return status;
    int32_t ids[64];
    size_t count = 0;
    status = quant_tokenize(t.get(), prompt, sizeof prompt - 1, QUANT_TEXT_ADD_SPECIAL, ids, 64, &count);
    StringHandle back;
    return status == QUANT_OK ? quant_detokenize(t.get(), ids, count, 0, Out(back), nullptr) : status;
}

quant_status render() {
    static constexpr char source[] = "{% for m in messages %}{{ m.role }}: {{ m.content | trim | upper }}\n{% endfor %}";
    auto options = initialized(quant_render_options_init);
    options.messages_json = R"([{"role": "user", "content": " one "}, {"role": "assistant", "content": "two"}])";
    StringHandle out;
    return quant_template_render(source, sizeof source - 1, "template", &options, Out(out));
}

quant_status encode() {
    static float weights[4 * 256], back[4 * 256];
    static unsigned char out[4 * 256 * 4];
    for (int i = 0; i < 4 * 256; ++i) weights[i] = static_cast<float>(i % 31 - 15) / 16;
    for (const quant_encoding encoding : {QUANT_Q4_K, QUANT_Q8_0, QUANT_IQ2_XXS}) {
        uint64_t bytes = 0;
        quant_status status = quant_encoded_size(encoding, 4, 256, &bytes);
        if (status == QUANT_OK) status = quant_encode(encoding, weights, 4, 256, nullptr, out, bytes);
        if (status == QUANT_OK) status = quant_decode(encoding, out, bytes, 4, 256, back);
        if (status != QUANT_OK) return status;
    }
    return QUANT_OK;
}

quant_status generate() {
    ModelHandle model;
    SessionHandle session;
    quant_status status = quant_model_open(Out(model), model_folder.c_str(), nullptr);
    if (status == QUANT_OK) status = quant_session_new(Out(session), model.get(), nullptr);
    if (status != QUANT_OK) return status;
    auto options = initialized(quant_generate_options_init);
    options.prompt = prompt;
    options.prompt_bytes = sizeof prompt - 1;
    options.max_tokens = 3;
    return quant_generate(session.get(), &options, nullptr);
}

/// The end of a request comes whatever happens.
quant_status schedule() {
    ModelHandle model;
    quant_status status = quant_model_open(Out(model), model_folder.c_str(), nullptr);
    if (status != QUANT_OK) return status;
    struct End {
        std::atomic<bool> ended{false};
        quant_status status = QUANT_OK;
    } end;
    SchedulerHandle scheduler;
    status = quant_scheduler_new(Out(scheduler), model.get(), nullptr);
    if (status != QUANT_OK) return status;
    auto request = initialized(quant_request_init);
    request.prompt = prompt;
    request.prompt_bytes = sizeof prompt - 1;
    request.max_tokens = 3;
    request.json_object = 1;
    request.user = &end;
    request.on_event = [](void *user, const quant_request_event *event) {
        if (!event->ended) return;
        auto &e = *static_cast<End *>(user);
        e.status = event->status;
        e.ended = true;
        e.ended.notify_one();
    };
    status = quant_scheduler_submit(scheduler.get(), &request, nullptr);
    if (status != QUANT_OK) return status;
    end.ended.wait(false);
    return end.status;
}

quant_status embed() {
    ModelHandle model;
    quant_status status = quant_model_open(Out(model), model_folder.c_str(), nullptr);
    if (status != QUANT_OK) return status;
    quant_embedding_input inputs[2] = {{prompt, sizeof prompt - 1, nullptr, 0}, {"And", 3, nullptr, 0}};
    EmbeddingsHandle made;
    return quant_model_embed(Out(made), model.get(), inputs, 2, nullptr);
}

quant_status quantize() {
    static const std::string output = scratch + "/small.gguf";
    auto options = initialized(quant_quantize_options_init);
    options.type = "Q4_0";
    options.method = QUANT_METHOD_ROUND;
    PlanHandle plan;
    quant_status status = quant_plan_new(Out(plan), model_folder.c_str(), &options);
    if (status == QUANT_OK) status = quant_plan_run(plan.get(), output.c_str(), nullptr, nullptr);
    return status;
}

quant_status catalog() {
    static const std::string path = scratch + "/catalog.db";
    CatalogHandle c;
    quant_status status = quant_catalog_open(Out(c), path.c_str());
    StringHandle name, json, found;
    if (status == QUANT_OK) status = quant_catalog_import(c.get(), model_folder.c_str(), "tried", nullptr, nullptr, Out(name));
    if (status == QUANT_OK) status = quant_catalog_resolve(c.get(), "tried", Out(found), nullptr);
    VariantListHandle list;
    if (status == QUANT_OK) status = quant_catalog_list(c.get(), nullptr, Out(list));
    if (status == QUANT_OK) status = quant_catalog_show(c.get(), "tried", Out(json));
    if (status == QUANT_OK) status = quant_catalog_remove(c.get(), "tried", 0, nullptr);
    return status;
}

constexpr Scenario scenarios[] = {
    {"container", container}, {"text", text},       {"render", render}, {"encode", encode},   {"generate", generate},
    {"schedule", schedule},   {"embed", embed},     {"quantize", quantize}, {"catalog", catalog},
};

struct Tally {
    long points = 0, failed = 0, went_well = 0, other = 0;
};

/// A failure may be told as such, or be worked around; it may not be called something else.
void judge(const Scenario &scenario, long n, bool on, quant_status status, Tally &tally) {
    ++tally.points;
    if (status == QUANT_OK) ++tally.went_well;
    else if (status == QUANT_ERR_NO_MEMORY) ++tally.failed;
    else {
        ++tally.other;
        std::printf("%s: allocation %ld fails%s: %s: %s\n", scenario.name, n, on ? " and all that follow" : "",
                    quant_status_name(status), quant_error_message());
    }
}

long count_allocations(const Scenario &scenario) {
    scenario.run(); // What is made once, such as workers, is there afterwards.
    const long before = allocations;
    const quant_status status = scenario.run();
    if (status == QUANT_OK) return allocations - before;
    std::printf("%s: fails without a cause: %s\n", scenario.name, quant_error_message());
    std::exit(1);
}

Tally try_all(const Scenario &scenario, long most) {
    const long all = count_allocations(scenario), dense = most / 5;
    const long step = all <= most ? 1 : (all - dense) / (most - dense) + 1;
    Tally tally;
    for (long n = 0; n < all; n += n < dense ? 1 : step)
        for (const bool on : {false, true}) {
            goes_on = on;
            failing_from = allocations + n;
            const quant_status status = scenario.run();
            failing_from = -1;
            judge(scenario, n, on, status, tally);
        }
    if (const quant_status status = scenario.run(); status != QUANT_OK) {
        std::printf("%s: does not work afterwards: %s\n", scenario.name, quant_error_message());
        ++tally.other;
    }
    std::printf("%-10s %6ld allocations, %6ld points: %ld told, %ld did without it, %ld wrong\n", scenario.name, all, tally.points,
                tally.failed, tally.went_well, tally.other);
    std::fflush(stdout);
    return tally;
}

} // namespace

int main(int count, char **words) {
    if (count < 3) {
        std::fprintf(stderr, "usage: test_no_memory MODEL_FOLDER SCRATCH_FOLDER [POINTS [SCENARIO]]\n");
        return 2;
    }
    model_folder = words[1];
    scratch = words[2];
    fs::create_directories(scratch);
    const long most = count > 3 ? std::atol(words[3]) : 2000;
    long wrong = 0;
    for (const Scenario &scenario : scenarios)
        if (count < 5 || std::strcmp(words[4], scenario.name) == 0) wrong += try_all(scenario, most).other;
    // Nothing half-written is left beside what was meant.
    for (const fs::directory_entry &entry : fs::directory_iterator(scratch))
        if (entry.path().filename().string().find(".part") != std::string::npos) {
            std::printf("left behind: %s\n", entry.path().c_str());
            ++wrong;
        }
    return wrong ? 1 : 0;
}
