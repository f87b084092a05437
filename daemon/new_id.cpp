#include "new_id.h"

#include <fmt/format.h>

#include <atomic>
#include <random>

namespace quantd {

std::string new_id(std::string_view prefix) {
    static std::atomic<uint64_t> next = [] {
        std::random_device device;
        return uint64_t{device()} << 32 | device();
    }();
    // Scattered, so that ids of two daemons seldom meet.
    return fmt::format("{}{:016x}", prefix, next++ * 0x9e3779b97f4a7c15u);
}

} // namespace quantd
