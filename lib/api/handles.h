// What stands behind the opaque handles of the C ABI.
#pragma once

#include <quant/quant.h>

#include "api/lazy_model.h"
#include "catalog/catalog.h"
#include "container/container.h"
#include "engine/session.h"
#include "kernel/pack.h"
#include "model/adapter.h"
#include "model/model.h"
#include "quantize/plan.h"
#include "text/reply_format.h"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

struct quant_container {
    std::shared_ptr<const quant::Container> container;
};

struct quant_tokenizer {
    std::shared_ptr<const quant::Tokenizer> tokenizer;
};

struct quant_model {
    explicit quant_model(quant::api::LazyModel::Pointer open) : model(std::move(open)) {}
    explicit quant_model(std::function<quant::api::LazyModel::Pointer()> open) : model(std::move(open)) {}

    quant::api::LazyModel model;
    // Found when they are first asked for.
    mutable std::once_flag tokenizer_found = {};
    mutable quant_tokenizer tokenizer = {};
    mutable std::once_flag type_name_found = {};
    mutable std::string type_name = {};
    // How replies are written, found when it is first asked for.
    mutable std::once_flag reply_format_found = {};
    mutable quant::ReplyFormat reply_format = {};
};

struct quant_adapter {
    std::shared_ptr<const quant::Adapter> adapter;
    std::string path; ///< As the caller gave it.
};

struct quant_session {
    quant::Session session;
};

struct quant_matrix {
    quant::PackedMatrix matrix;
};

struct quant_plan {
    quant::Plan plan;
    std::vector<std::string> source_types;
};

struct quant_catalog {
    quant::Catalog catalog;
};

struct quant_variant_list {
    struct Row {
        quant::VariantSummary summary;
        std::string name;
        bool missing;
    };
    std::vector<Row> rows;
};
