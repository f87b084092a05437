#include "machine/tile_permission.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace quant {

namespace {

// As Linux numbers them since 5.16; headers of older systems do not.
constexpr int request_component = 0x1023; ///< ARCH_REQ_XCOMP_PERM
constexpr int tile_data = 18;             ///< XFEATURE_XTILEDATA

} // namespace

std::string request_tiles() {
    if (::syscall(SYS_arch_prctl, request_component, tile_data) == 0) return {};
    if (errno == ENOSPC) return "a thread has a stack for signals that could not take them";
    return std::error_code(errno, std::generic_category()).message();
}

} // namespace quant
