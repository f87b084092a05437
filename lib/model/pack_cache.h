// Packs of models in the user's cache folder, bounded by size. Any of them may be deleted at any
// time, by anybody, and any number of processes may use the folder at once: a file appears complete
// under its name, and who has it mapped keeps it.
#pragma once

#include "model/pack_file.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

namespace quant {

/// Bytes that all packs may take together; 0: there are none. Nothing: a tenth of what is free on the disk
/// and of the packs themselves.
using PackLimit = std::optional<uint64_t>;

/// "off", "on" or a size such as 8G; "" is off. `origin` is what to call the text in messages. Throws Error
/// (QUANT_ERR_ARGUMENT).
PackLimit parse_pack_limit(std::string_view text, std::string_view origin);

/// What QUANT_PACK_CACHE says, else off. Throws Error likewise.
PackLimit usual_pack_limit();

class PackCache {
public:
    PackCache(std::filesystem::path folder, PackLimit limit) : folder_(std::move(folder)), limit_(limit) {}
    /// In the user's cache folder. Throws Error (QUANT_ERR_NOT_FOUND) where there is no such place.
    static PackCache of_user(PackLimit limit);

    const std::filesystem::path &folder() const { return folder_; }
    std::filesystem::path path_of(const PackPlan &plan) const;
    /// In bytes, as of now.
    uint64_t limit() const;

    /// The pack of this plan, or null. One that is damaged is deleted, and a warning says so.
    std::shared_ptr<const PackFile> find(const PackPlan &plan, WorkerPool &pool) const;
    /// Keeps the panels of these matrices, which have them, in place of those not used for longest. What
    /// hinders it is only logged.
    void keep(const PackPlan &plan, std::span<const PanelMatrix> matrices, WorkerPool &pool) const;

    /// The pack of this plan, made now where it is not there, by workers that are of no node; null where it may not be kept,
    /// or the disk would not, which is logged. Nothing is made then.
    std::shared_ptr<const PackFile> find_or_make(const PackPlan &plan, std::span<const PanelMatrix> matrices,
                                                 WorkerPool &pool) const;

    struct Use {
        uint64_t bytes = 0, packs = 0;
    };
    Use use() const;

private:
    bool prepare(const PackPlan &plan) const;
    bool make_room(uint64_t bytes, const std::filesystem::path &own) const;
    std::filesystem::path folder_;
    PackLimit limit_;
};

/// What tells these files from others and from what they were: sizes, times, inodes. Nothing where that
/// cannot be told: a file is missing, or changed so shortly before that another change would leave its time as it is.
std::optional<std::string> origin_of(const std::vector<std::filesystem::path> &files);

} // namespace quant
