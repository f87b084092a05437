// Long work on the catalog, as it is asked for and as its readers see it.
#pragma once

#include "api_error.h"
#include "base/json.h"

#include <quant/quant.h>

#include <functional>
#include <span>
#include <string>

namespace quantd {

namespace json = quant::json;

struct JobRequest {
    enum class Kind { quantize, evaluate, adopt };

    Kind kind = Kind::quantize;
    std::string model;  ///< "model:variant"; empty: `blob` is the source.
    std::string blob;   ///< Path of an uploaded file; what clients see of it is its digest.
    std::string digest; ///< Of `blob`.
    std::string name;   ///< Of what is made; empty: the model's, with the type as variant.
    std::string type;   ///< A type mix; empty: one of the targets.
    std::string method = "default";
    uint64_t target_size = 0; ///< Bytes at most.
    double target_bpw = 0, max_kld = 0;
    bool evaluate = false;                   ///< Measure what was made.
    uint32_t chunks = 0, context_length = 0; ///< Of an evaluation; 0: all, the usual.
};

/// What the work tells, and is told, while it runs. Threads: the job's own.
class JobControl {
public:
    virtual ~JobControl() = default;
    virtual void progress(const quant_progress &now) = 0;
    virtual bool cancelled() const = 0;
};

/// Does one job; the result is for its readers. Throws ApiError.
using JobWork = std::function<json::object(const JobRequest &, JobControl &)>;

/// What clients call a kind of job.
const char *kind_name(JobRequest::Kind kind);

/// The job as it was asked for, in the words of the API.
json::object request_json(const JobRequest &request);

/// Throws ApiError (400), naming the field. Looks nothing up but the types.
JobRequest parse_job(const json::object &body);
std::span<const std::string_view> job_fields();

/// The name of a type mix as the library spells it, for any spelling of it. Throws ApiError (400) with `field`.
std::string require_type(const std::string &text, const char *field);

} // namespace quantd
