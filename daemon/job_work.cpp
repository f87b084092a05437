#include "job_work.h"

#include "daemon_log.h"

#include "base/error.h"
#include "base/file.h"

#include <fmt/format.h>

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <new>

namespace quantd {

namespace {

constexpr uint64_t most_text_bytes = uint64_t{1} << 30;
// Chunks that a planned variant is measured on: enough to tell whether it keeps its promise.
constexpr uint32_t verification_chunks = 40;

int report(void *user, const quant_progress *progress) {
    auto *control = static_cast<JobControl *>(user);
    try {
        control->progress(*progress);
        return control->cancelled();
    } catch (...) { // Out of memory: no exception may go through the library.
        return 1;
    }
}

// As check(), but paths go to the log alone.
void done(quant_status status) {
    if (status == QUANT_OK) return;
    const std::string message = quant_error_message();
    if (status != QUANT_ERR_CANCELLED) log(LogLevel::warning, "a job has failed: {}", message);
    throw error_of(status, without_paths(message));
}

json::value number(double v) { return std::isfinite(v) ? json::value(v) : json::value(nullptr); }

class StoreWork {
public:
    StoreWork(ModelPool &pool, const JobRequest &request, JobControl &control)
        : pool_(pool),
          request_(request),
          control_(control) {
        done(quant_catalog_open(Out(catalog_), nullptr));
    }

    json::object quantize();
    json::object evaluate(const std::string &model, uint32_t chunks);
    json::object adopt();

private:
    std::string path_of(const std::string &name);
    std::string text_for(quant_status (*find)(quant_catalog *, const char *, char **, int32_t *),
                         const std::string &model);
    std::string search_plan(const std::string &path, const std::string &text);
    PlanHandle make_plan(const std::string &path, std::string &text);
    std::string output_path(const char *type);
    std::string record(const quant_plan *plan, const std::string &output, bool is_new);
    bool wants_text() const;

    ModelPool &pool_;
    const JobRequest &request_;
    JobControl &control_;
    CatalogHandle catalog_; ///< Of this thread.
};

std::string StoreWork::path_of(const std::string &name) {
    StringHandle path;
    done(quant_catalog_resolve(catalog_.get(), name.c_str(), Out(path), nullptr));
    return path.get();
}

std::string StoreWork::text_for(quant_status (*find)(quant_catalog *, const char *, char **, int32_t *),
                                const std::string &model) {
    StringHandle path;
    done(find(catalog_.get(), model.c_str(), Out(path), nullptr));
    return quant::read_text(path.get(), most_text_bytes);
}

bool StoreWork::wants_text() const {
    return request_.method == "importance" || request_.method == "feedback" || request_.method == "best";
}

quant_method method_of(const std::string &name) {
    constexpr struct {
        const char *name;
        quant_method method;
    } methods[] = {{"default", QUANT_METHOD_DEFAULT},   {"round", QUANT_METHOD_ROUND},
                   {"search", QUANT_METHOD_SEARCH},     {"importance", QUANT_METHOD_IMPORTANCE},
                   {"feedback", QUANT_METHOD_FEEDBACK}, {"best", QUANT_METHOD_BEST}};
    for (const auto &m : methods)
        if (name == m.name) return m.method;
    throw std::logic_error("no method " + name);
}

std::string StoreWork::search_plan(const std::string &path, const std::string &text) {
    auto target = initialized(quant_target_init);
    target.file_bytes = request_.target_size;
    target.bits_per_weight = request_.target_bpw;
    target.max_kld = request_.max_kld;
    target.method = method_of(request_.method);
    target.text = text.data(), target.text_bytes = text.size();
    target.progress = report, target.user = &control_;
    StringHandle document;
    done(quant_plan_search(path.c_str(), &target, Out(document)));
    return document.get();
}

PlanHandle StoreWork::make_plan(const std::string &path, std::string &text) {
    const bool searches = request_.type.empty();
    if (searches || wants_text())
        text = text_for(quant_catalog_calibration_text, request_.model.empty() ? path : request_.model);
    const std::string document = searches ? search_plan(path, text) : "";
    auto options = initialized(quant_quantize_options_init);
    options.type = searches ? nullptr : request_.type.c_str();
    options.plan_json = searches ? document.c_str() : nullptr;
    options.method = method_of(request_.method);
    if (wants_text()) options.calibration_text = text.data(), options.calibration_bytes = text.size();
    PlanHandle plan;
    done(quant_plan_new(Out(plan), path.c_str(), &options));
    return plan;
}

std::string StoreWork::output_path(const char *type) {
    StringHandle path;
    if (request_.name.empty())
        done(quant_catalog_output_path(catalog_.get(), request_.model.c_str(), type, Out(path)));
    else
        done(quant_catalog_named_path(catalog_.get(), request_.name.c_str(), type, Out(path)));
    return path.get();
}

// A file that could not be recorded, and that was not there before, goes again.
std::string StoreWork::record(const quant_plan *plan, const std::string &output, bool is_new) {
    StringHandle name;
    const char *source = request_.model.empty() ? nullptr : request_.model.c_str();
    const quant_status status =
        request_.name.empty()
            ? quant_catalog_add_variant(catalog_.get(), source, plan, output.c_str(), report, &control_, Out(name))
            : quant_catalog_add_named_variant(catalog_.get(), request_.name.c_str(), source, plan, output.c_str(),
                                              report, &control_, Out(name));
    if (status != QUANT_OK && is_new) ::unlink(output.c_str());
    done(status);
    return name.get();
}

json::object StoreWork::quantize() {
    const std::string path = request_.model.empty() ? request_.blob : path_of(request_.model);
    std::string text;
    const PlanHandle plan = make_plan(path, text);
    auto summary = sized<quant_plan_summary>();
    done(quant_plan_get_summary(plan.get(), &summary));
    const std::string output = output_path(summary.type);
    std::error_code ignored;
    const bool is_new = !std::filesystem::exists(output, ignored);
    done(quant_plan_run(plan.get(), output.c_str(), report, &control_));
    const std::string name = record(plan.get(), output, is_new);
    pool_.release(name); // What is resident has the file that was there before.
    json::object result{
        {"name", name},
        {"type", summary.type},
        {"bytes", summary.output_bytes},
        {"bits_per_weight", summary.bits_per_weight},
        {"fallbacks", summary.fallbacks},
        {"requantizes", summary.requantizes != 0},
        {"predicted_kld", summary.predicted_kld < 0 ? json::value(nullptr) : json::value(summary.predicted_kld)}};
    if (request_.evaluate) result["measured"] = evaluate(name, request_.chunks ? request_.chunks : verification_chunks);
    return result;
}

json::object StoreWork::evaluate(const std::string &model, uint32_t chunks) {
    ModelHandle subject, base;
    done(quant_model_open(Out(subject), path_of(model).c_str(), nullptr));
    StringHandle base_name;
    const quant_status has_base = quant_catalog_base(catalog_.get(), model.c_str(), Out(base_name));
    if (has_base != QUANT_ERR_NOT_FOUND) {
        done(has_base);
        done(quant_model_open(Out(base), path_of(base_name.get()).c_str(), nullptr));
    }
    StringHandle text_path;
    done(quant_catalog_eval_text(catalog_.get(), model.c_str(), Out(text_path), nullptr));
    const std::string text = quant::read_text(text_path.get(), most_text_bytes);
    const std::string text_name = std::filesystem::path(text_path.get()).filename().string();
    auto options = initialized(quant_eval_options_init);
    options.text = text.data(), options.text_bytes = text.size();
    options.chunks = chunks, options.context_length = request_.context_length;
    options.progress = report, options.user = &control_;
    auto r = sized<quant_eval_result>();
    done(quant_evaluate(subject.get(), base.get(), &options, &r));
    const char *against = base ? base_name.get() : nullptr;
    done(quant_catalog_record_eval(catalog_.get(), model.c_str(), against, text_name.c_str(), &r));
    return {{"name", model},
            {"base", against ? json::value(against) : json::value(nullptr)},
            {"text", text_name},
            {"context_length", r.context_length},
            {"chunks", r.chunks},
            {"tokens", r.tokens},
            {"ppl", number(r.ppl)},
            {"ppl_se", number(r.ppl_se)},
            {"base_ppl", number(r.base_ppl)},
            {"kld_mean", number(r.kld_mean)},
            {"kld_se", number(r.kld_se)},
            {"kld_p999", number(r.kld_p999)},
            {"top1", number(r.top1)},
            {"seconds", r.seconds}};
}

json::object StoreWork::adopt() {
    StringHandle name;
    done(quant_catalog_adopt(catalog_.get(), request_.blob.c_str(), request_.name.c_str(), report, &control_,
                             Out(name)));
    pool_.release(name.get());
    return {{"name", name.get()}};
}

} // namespace

json::object do_job(ModelPool &pool, const JobRequest &request, JobControl &control) {
    try {
        StoreWork work(pool, request, control);
        switch (request.kind) {
        case JobRequest::Kind::evaluate:
            return work.evaluate(request.model, request.chunks);
        case JobRequest::Kind::adopt:
            return work.adopt();
        default:
            return work.quantize();
        }
    } catch (const quant::Error &error) {
        throw error_of(error.status(), without_paths(error.what()));
    } catch (const std::bad_alloc &) {
        throw;
    } catch (const std::exception &error) {
        log(LogLevel::error, "a job has failed: {}", error.what());
        throw ApiError{.status = 500, .message = without_paths(error.what())};
    }
}

} // namespace quantd
