#include "reply_reader.h"

namespace quantd {

namespace {

void collect(void *user, const quant_reply_event *event) {
    static_cast<std::vector<ReplyPart> *>(user)->push_back(
        {event->kind, event->index, {event->text, event->text_bytes}, event->name, event->id});
}

} // namespace

ReplyReader::ReplyReader(const Resident &resident, const std::string &tools, const std::string &prompt) {
    check(quant_reply_parser_new(Out(parser_), resident.model.get(), tools.empty() ? nullptr : tools.c_str(),
                                 prompt.data(), prompt.size()));
}

std::vector<ReplyPart> ReplyReader::feed(std::string_view text) {
    std::vector<ReplyPart> parts;
    check(quant_reply_parser_feed(parser_.get(), text.data(), text.size(), collect, &parts));
    return parts;
}

std::vector<ReplyPart> ReplyReader::finish() {
    std::vector<ReplyPart> parts;
    check(quant_reply_parser_finish(parser_.get(), collect, &parts));
    return parts;
}

} // namespace quantd
