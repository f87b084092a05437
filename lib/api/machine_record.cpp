#include "api/catalog_service.h"
#include "base/error.h"
#include "base/sha256.h"
#include "kernel/ops.h"

#include <unistd.h>

#include <fstream>

namespace quant::api {

namespace {

std::string cpu_model() {
    std::ifstream in("/proc/cpuinfo");
    for (std::string line; std::getline(in, line);)
        if (line.starts_with("model name"))
            if (const size_t at = line.find(": "); at != std::string::npos) return line.substr(at + 2);
    return "unknown CPU";
}

MachineRecord read_machine() {
    MachineRecord m;
    m.cpu = cpu_model();
    m.tier = active_tier();
    m.cores = static_cast<uint32_t>(::sysconf(_SC_NPROCESSORS_ONLN));
    m.memory_bytes = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
    // Memory to the GiB: what the kernel keeps for itself moves from boot to boot.
    m.fingerprint = sha256_hex(fmt::format("{}|{}|{}", m.cpu, m.cores, m.memory_bytes >> 30)).substr(0, 16);
    return m;
}

} // namespace

const MachineRecord &this_machine() {
    static const MachineRecord machine = read_machine();
    return machine;
}

} // namespace quant::api
