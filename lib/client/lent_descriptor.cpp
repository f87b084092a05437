#include "client/lent_descriptor.h"

#include "base/error.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace quant {

namespace {

/// As Boost.Interprocess wants what it maps.
struct Mappable {
    int fd;
    boost::interprocess::mapping_handle_t get_mapping_handle() const {
        return boost::interprocess::ipcdetail::mapping_handle_from_file_handle(fd);
    }
};

} // namespace

FileIdentity check_lent(int fd, const std::string &name, uint64_t bytes, bool sealed, uint32_t daemon_uid) {
    struct stat info;
    if (::fstat(fd, &info) != 0) fail_errno(errno, "stat", name);
    if (!S_ISREG(info.st_mode)) fail(QUANT_ERR_VERIFY, "{}: what was lent is no regular file", name);
    if (static_cast<uint64_t>(info.st_size) != bytes)
        fail(QUANT_ERR_VERIFY, "{}: what was lent has {} bytes, expected {}", name, info.st_size, bytes);
    if ((::fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY) fail(QUANT_ERR_VERIFY, "{}: what was lent cannot be read", name);
    if (sealed) {
        constexpr int needed = F_SEAL_SHRINK | F_SEAL_WRITE;
        if (const int seals = ::fcntl(fd, F_GET_SEALS); seals < 0 || (seals & needed) != needed)
            fail(QUANT_ERR_VERIFY, "{}: the memory that was lent is not sealed, so it could change", name);
    } else {
        if (info.st_uid != daemon_uid && info.st_uid != ::geteuid() && info.st_uid != 0)
            fail(QUANT_ERR_VERIFY, "{}: the file that was lent belongs to user {}, expected the daemon's, {}, this process's "
                 "or root", name, info.st_uid, daemon_uid);
        if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
            fail(QUANT_ERR_VERIFY, "{}: others may write the file that was lent (mode {:o}); take that right away: chmod go-w",
                 name, info.st_mode & 07777);
    }
    return {info.st_dev, info.st_ino};
}

boost::interprocess::mapped_region map_lent(int fd, const std::string &name, uint64_t bytes) {
    if (bytes == 0) return {};
    if (bytes > SIZE_MAX / 2) fail(QUANT_ERR_NO_MEMORY, "{}: no address space for {} bytes", name, bytes);
    try {
        return {Mappable{fd}, boost::interprocess::read_only, 0, static_cast<size_t>(bytes)};
    } catch (const boost::interprocess::interprocess_exception &e) {
        fail_errno(e.get_native_error(), "map", name);
    }
}

} // namespace quant
