// A model that a daemon lent: leased and mapped at once, read when it is first used.
#pragma once

#include "client/lease_keeper.h"
#include "model/model.h"

#include <memory>
#include <string>

namespace quant {

struct SharedOptions {
    std::string socket;
    double timeout_seconds = 300;
    bool verify = false; ///< The pack's checksums are compared.
    Progress *progress = nullptr; ///< Reported to while the daemon loads the model.
};

/// What is lent, mapped. Immutable; the lease lasts as long as it, or any model opened from it.
class SharedModel : public std::enable_shared_from_this<SharedModel> {
public:
    /// Throws Error as quant_model_open_shared() says.
    static std::shared_ptr<const SharedModel> borrow(const std::string &model, const SharedOptions &options);

    /// Reads it. Throws Error as Model::open() does.
    std::shared_ptr<const Model> open() const;

private:
    struct File {
        std::string name;
        boost::interprocess::mapped_region region;
    };
    class Files;
    std::string title_;
    std::vector<File> files_;
    std::shared_ptr<const BorrowedPack> pack_;
    std::unique_ptr<Lease> lease_;
};

} // namespace quant
