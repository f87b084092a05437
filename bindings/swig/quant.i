// What SWIG makes of libquant for Go, Java and C#. The C header gives structs and numbers; functions come from the small
// C++ classes in sdk/, which report failures in an Outcome, so that no exception passes between languages. The file of a
// language (go.i, java.i, csharp.i) sets its typemaps and includes this one. What comes out is not for users: each SDK has
// a layer by hand over it.
%include <stdint.i>

%{
#include "sdk/sdk_buffers.h"
#include "sdk/sdk_catalog.h"
#include "sdk/sdk_measure.h"
#include "sdk/sdk_scheduler.h"
%}

%feature("director") quant_sdk::ProgressSink;
%feature("director") quant_sdk::TextSink;
%feature("director") quant_sdk::RequestSink;
%feature("director") quant_sdk::LogSink;

// Whoever gets an object owns it.
%newobject quant_sdk::Tokenizer::open;
%newobject quant_sdk::Model::open;
%newobject quant_sdk::Model::open_shared;
%newobject quant_sdk::Session::open;
%newobject quant_sdk::Session::fork;
%newobject quant_sdk::Scheduler::open;
%newobject quant_sdk::Embeddings::of;
%newobject quant_sdk::Plan::make;
%newobject quant_sdk::Catalog::open;
%newobject quant_sdk::Catalog::list;

// Of the C header: structs, enumerations and flags. Its functions are the classes' business.
#define QUANT_API
#define QUANT_AS_INT
%rename("$ignore", regextarget=1, %$isfunction, %$not %$ismember) "^quant_";

// Pointers that the classes fill in, and what callbacks get of the library.
%ignore quant_session_options::draft_model;
%ignore quant_session_options::adapters;
%ignore quant_session_options::adapter_count;
%ignore quant_embedding_options::progress;
%ignore quant_embedding_options::user;
%ignore quant_eval_options::text;
%ignore quant_eval_options::text_bytes;
%ignore quant_eval_options::base_logits;
%ignore quant_eval_options::save_logits;
%ignore quant_eval_options::adapters;
%ignore quant_eval_options::adapter_count;
%ignore quant_eval_options::progress;
%ignore quant_eval_options::user;
%ignore quant_bench_options::progress;
%ignore quant_bench_options::user;
%ignore quant_sampling::logit_bias;
%ignore quant_sampling::logit_bias_count;
%ignore quant_embedding::values;
%rename("$ignore", regextarget=1, fullname=1) "^quant_(open|shared|encode|quantize|generate|render|importance|task)_options$";
%rename("$ignore", regextarget=1, fullname=1) "^quant_(progress|request|request_event|batch_step|logit_bias|override|merge|target)$";
%rename("$ignore", regextarget=1, fullname=1) "^quant_(token_probability|embedding_input|lent_part|task_result|comparison)$";
%rename("$ignore", regextarget=1, fullname=1, %$isvariable) "::size$";

// Options begin with the library's defaults.
%define %initialized(type, init)
%extend type {
    type() {
        type *made = new type{};
        init(made, sizeof *made);
        return made;
    }
}
%enddef
%initialized(quant_session_options, quant_session_options_init)
%initialized(quant_scheduler_options, quant_scheduler_options_init)
%initialized(quant_sampling, quant_sampling_init)
%initialized(quant_embedding_options, quant_embedding_options_init)
%initialized(quant_eval_options, quant_eval_options_init)
%initialized(quant_bench_options, quant_bench_options_init)

%ignore quant_sdk::Request::stops; // add_stop()

// Arrays inside structs, one by one.
%ignore quant_plan_tensor::shape;
%extend quant_plan_tensor {
    /// Of dimension `i`, from 0.
    long long extent(int i) const { return static_cast<long long>($self->shape[i]); }
}

// Strings of results are the library's.
%immutable quant_encoding_info::name;
%immutable quant_encoding_info::family;
%immutable quant_encoding_info::summary;
%immutable quant_type_info::name;
%immutable quant_type_info::summary;
%immutable quant_checkpoint_type::name;
%immutable quant_checkpoint_type::form;
%immutable quant_checkpoint_type::summary;
%immutable quant_model_info::name;
%immutable quant_model_info::architecture;
%immutable quant_model_info::type_name;
%immutable quant_plan_tensor::name;
%immutable quant_plan_tensor::source_name;
%immutable quant_plan_tensor::source_type;
%immutable quant_plan_summary::type;
%immutable quant_variant_info::name;
%immutable quant_variant_info::model;
%immutable quant_variant_info::variant;
%immutable quant_variant_info::architecture;
%immutable quant_variant_info::base;
%immutable quant_variant_info::path;

%include <quant/status.h>
%include <quant/encoding.h>
%include <quant/text.h>
%include <quant/model.h>
%include <quant/session.h>
%include <quant/scheduler.h>
%include <quant/embedding.h>
%include <quant/evaluate.h>
%include <quant/quantize.h>
%include <quant/shared.h>
%include <quant/catalog.h>

%include "sdk/sdk_outcome.h"
%include "sdk/sdk_sinks.h"
%include "sdk/sdk_buffers.h"
%include "sdk/sdk_model.h"
%include "sdk/sdk_session.h"
%include "sdk/sdk_scheduler.h"
%include "sdk/sdk_measure.h"
%include "sdk/sdk_plan.h"
%include "sdk/sdk_catalog.h"
