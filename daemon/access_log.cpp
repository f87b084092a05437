#include "access_log.h"

#include "daemon_log.h"

namespace quantd {

void log_access(const AccessRecord &record) {
    log(LogLevel::info, "{} {} -> {}, {} bytes, {:.3f} s, {}{}{}{}", record.method.empty() ? "-" : record.method,
        record.path.empty() ? "-" : record.path, record.status, record.bytes, record.seconds, record.peer,
        record.id.empty() ? "" : ", ", record.id, record.complete ? "" : ", cut");
}

} // namespace quantd
