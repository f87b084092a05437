// Memory in pages of 2 MiB where the system gives them: what is read from end to end for
// each token then needs a 512th of the translations.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace quant {

enum class PageSize : bool { small, huge };
inline constexpr size_t huge_page = size_t{2} << 20;

/// How much of what of these bytes is in memory lies in pages of 2 MiB, as the system tells: 0 to 1; 0 where it does
/// not. Mappings that touch may be told of together.
double huge_share(std::span<const std::byte> bytes);

/// Zeroed, private to the process, writable; given back at the end. Moves.
class HugeBuffer {
public:
    HugeBuffer() = default;
    /// Throws Error (QUANT_ERR_NO_MEMORY). The pages come at the first write. `small` asks for none
    /// of 2 MiB, for comparison. `node` is the memory node to take them from, as bind_memory() does.
    explicit HugeBuffer(size_t bytes, PageSize pages = PageSize::huge, std::optional<unsigned> node = std::nullopt);
    HugeBuffer(HugeBuffer &&other) noexcept;
    HugeBuffer &operator=(HugeBuffer &&other) noexcept;
    ~HugeBuffer();

    std::span<std::byte> bytes() const { return {data_, size_}; }
    /// Of what was written.
    double huge_share() const { return quant::huge_share({data_, mapped_}); }

private:
    std::byte *data_ = nullptr;
    size_t size_ = 0, mapped_ = 0;
};

/// The system's word for when it gives huge pages: "always", "madvise" (to who asks), "never"; or "unknown".
std::string huge_page_setting();

} // namespace quant
