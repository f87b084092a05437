#include "base/sha256.h"

#include "base/error.h"
#include "base/file.h"

#include <openssl/evp.h>

namespace quant {

struct Sha256::State {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
    if (!state_->context || EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) != 1)
        fail(QUANT_ERR_INTERNAL, "SHA-256 is not available from OpenSSL");
}

Sha256::~Sha256() = default;

void Sha256::update(std::span<const std::byte> bytes) {
    EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
}

std::string Sha256::hex() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    EVP_DigestFinal_ex(state_->context, digest, &length);
    std::string out;
    for (unsigned i = 0; i < length; i++) out += fmt::format("{:02x}", digest[i]);
    return out;
}

std::string sha256_hex(std::string_view text) {
    Sha256 hash;
    hash.update(text);
    return hash.hex();
}

std::string sha256_of_file(const std::filesystem::path &path) {
    Sha256 hash;
    hash.update(MappedFile::open(path)->bytes());
    return hash.hex();
}

} // namespace quant
