// Between managed memory and C++: a block is a length of 8 bytes, and so many bytes behind it.
#pragma once

#include <csignal>
#include <pthread.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace quant_managed {

/// "" for NULL.
inline std::string string_of(const void *block) {
    uint64_t size = 0;
    if (!block) return {};
    std::memcpy(&size, block, sizeof size);
    return {static_cast<const char *>(block) + sizeof size, static_cast<size_t>(size)};
}

/// To be released by quant_managed_free(); NULL where there is no memory.
inline void *block_of(const void *data, size_t bytes) {
    const uint64_t size = bytes;
    auto *block = static_cast<char *>(std::malloc(sizeof size + bytes));
    if (!block) return nullptr;
    std::memcpy(block, &size, sizeof size);
    if (bytes) std::memcpy(block + sizeof size, data, bytes);
    return block;
}

/// The library's threads block all signals but those of faults, which threads that they start inherit. A runtime needs
/// some more: those that stop threads for its collector.
inline void admit_signals() {
    thread_local bool admitted = false;
    if (admitted) return;
    admitted = true;
    sigset_t set;
    sigemptyset(&set);
    for (const int stop : {SIGPWR, SIGXCPU}) sigaddset(&set, stop);
    for (int i = SIGRTMIN; i <= SIGRTMAX; ++i) sigaddset(&set, i);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

} // namespace quant_managed

extern "C" {

__attribute__((visibility("default"))) inline void quant_managed_free(void *block) { std::free(block); }

/// The bytes of a string that a callback was lent.
__attribute__((visibility("default"))) inline const char *quant_managed_lent(const void *string, uint64_t *size) {
    const auto *text = static_cast<const std::string *>(string);
    *size = text->size();
    return text->data();
}

/// Keeps what is inline from being left out.
__attribute__((visibility("default"), used)) inline void *const quant_managed_kept[] = {
    reinterpret_cast<void *>(&quant_managed_free), reinterpret_cast<void *>(&quant_managed_lent)};
}
