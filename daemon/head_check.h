// What the head of a request may look like on the wire. Request smuggling lives on bytes that two
// programs read differently, so whatever has more than one reading is refused here, before the
// parser proper sees it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace quantd {

/// Why a head is refused; status 0: it is not.
struct HeadFault {
    int status = 0;
    std::string cause; ///< A word for the metrics, e.g. "smuggling".
    std::string message;
    explicit operator bool() const { return status != 0; }
};

/// Length of the head that `input` begins with, up to and with its empty line; 0 if it is not all there.
size_t head_length(std::string_view input);

/// Whether the part of a head that is there can become a good one: sizes, line ends, control bytes.
/// To be asked while more is waited for, so that garbage need not be complete to be refused.
HeadFault check_partial_head(std::string_view input);

/// `head` as head_length() found it. Refused: any method but a token, targets that are not paths,
/// versions but 1.0 and 1.1, folded lines, space before a colon, a second Content-Length or Host,
/// Content-Length that is not digits alone, any Transfer-Encoding but "chunked", both of these at once.
HeadFault check_head(std::string_view head);

} // namespace quantd
