// Settings from a file, the environment and the command line, and what is said of mistakes.
#include "settings.h"
#include "test_support.h"
#include "token_file.h"

#include <sys/stat.h>

#include <cmath>
#include <fstream>

using namespace quantd;

namespace {

// Environment with a socket, which every daemon must have.
SettingSources sources(std::vector<std::string> environment = {}) {
    SettingSources out;
    out.file = "/nonexistent/quantd.conf";
    environment.push_back("XDG_RUNTIME_DIR=/run/user/1");
    out.environment = std::move(environment);
    out.command_line = {{"socket", "/run/x.sock"}};
    return out;
}

std::string error_of(const SettingSources &from) {
    try {
        load_settings(from);
    } catch (const SettingsError &error) {
        return error.what();
    }
    return "";
}

struct ConfigFile {
    quant::test::ScratchFolder folder;
    std::filesystem::path path = folder.path() / "quantd.conf";
    SettingSources from(const std::string &text) {
        std::ofstream(path) << text;
        SettingSources out = sources();
        out.file = path;
        out.file_must_exist = true;
        return out;
    }
};

} // namespace

TEST_CASE("later sources win: file, environment, command line") {
    ConfigFile file;
    SettingSources from =
        file.from("# comment\n\n queue = 5 \r\nparallel=2\nkeep_alive = 1h30m\norigins = a://b, c://d ,\n"
                  "memory_budget = 6G\nkv_type = Q8_0\n");
    from.environment.push_back("QUANTD_PARALLEL=3");
    from.environment.push_back("OLLAMA_NUM_PARALLEL=9");
    from.command_line.emplace_back("queue", "7");
    const Settings settings = load_settings(from);
    CHECK(settings.queue == 7);
    CHECK(settings.parallel == 3);
    CHECK(settings.keep_alive == 5400);
    CHECK(settings.origins == std::vector<std::string>{"a://b", "c://d"});
    CHECK(settings.memory_budget == 6ull << 30);
    CHECK(settings.kv_type == "q8_0");
}

TEST_CASE("mistakes are told with their place and what was expected") {
    ConfigFile file;
    const std::string name = file.path.string();
    const auto error = [&](const std::string &text) { return error_of(file.from(text)); };
    CHECK(error("queue = 1\nnonsense = 2\n")
              .find(name + ":2: there is no setting \"nonsense\"; the settings are socket") == 0);
    CHECK(error("\nqueue = many") == name + ":2: queue: expected a whole number from 0 to 4096, not \"many\"");
    CHECK(error("queue = 5000").find("from 0 to 4096") != std::string::npos);
    CHECK(error("queue_per_user = 0").find("from 1 to 4096") != std::string::npos);
    CHECK(error("queue = -1").find("expected a whole number") != std::string::npos);
    CHECK(error("queue") == name + ":1: expected NAME = VALUE");
    CHECK(error("[section]").find("expected NAME = VALUE") != std::string::npos);
    CHECK(error("queue = 1\nqueue = 2") == name + ":2: queue: is set in line 1 already");
    CHECK(error("tcp_no_token = maybe").find("expected yes or no") != std::string::npos);
    CHECK(error("kv_type = q9").find("expected one of f32|f16|bf16|q8_0|q4_0") != std::string::npos);
    CHECK(error("memory_budget = 6X").find("a size like 6G") != std::string::npos);
    CHECK(error("memory_budget = 99999999999T").find("a size like 6G") != std::string::npos);
    CHECK(error("keep_alive = soon").find("a duration like") != std::string::npos);
    CHECK(error("origins = *").find("every web page") != std::string::npos);
    CHECK(error("tcp = 127.0.0.1:1").find("tcp_no_token = yes") != std::string::npos);
    CHECK(error_of(sources({"QUANTD_QUEUE=x"})).find("QUANTD_QUEUE: queue: expected") == 0);
    CHECK(error_of(sources({"OLLAMA_MAX_QUEUE=x"})).find("OLLAMA_MAX_QUEUE: queue: expected") == 0);
    SettingSources missing = sources();
    missing.file_must_exist = true;
    CHECK(error_of(missing).find("/nonexistent/quantd.conf") != std::string::npos);
}

TEST_CASE("Ollama's variables mean what they mean there") {
    SettingSources from = sources({"OLLAMA_HOST=http://0.0.0.0:8080/", "QUANTD_TCP_NO_TOKEN=yes",
                                   "OLLAMA_KEEP_ALIVE=-1", "OLLAMA_CONTEXT_LENGTH=8192", "OLLAMA_MAX_LOADED_MODELS=2",
                                   "OLLAMA_MAX_QUEUE=512", "OLLAMA_KV_CACHE_TYPE=q4_0", "OLLAMA_ORIGINS="});
    const Settings settings = load_settings(from);
    CHECK(settings.tcp == "0.0.0.0:8080");
    CHECK(std::isinf(settings.keep_alive));
    CHECK(settings.context_length == 8192);
    CHECK(settings.max_loaded == 2);
    CHECK(settings.queue == 512);
    CHECK(settings.kv_type == "q4_0");
    CHECK(settings.origins.empty());
    CHECK(address_of_ollama_host("localhost") == "localhost:11434");
    CHECK(address_of_ollama_host("[::1]") == "[::1]:11434");
    CHECK(address_of_ollama_host("[::1]:5") == "[::1]:5");
    CHECK(address_of_ollama_host(":5") == "127.0.0.1:5");
}

TEST_CASE("durations are seconds or Go's") {
    CHECK(parse_duration("0") == 0);
    CHECK(parse_duration("300") == 300);
    CHECK(parse_duration("1.5h") == 5400);
    CHECK(parse_duration("1m30s") == 90);
    CHECK(parse_duration("250ms") == 0.25);
    CHECK(std::isinf(parse_duration("-1")));
    CHECK(std::isinf(parse_duration("-5m")));
    for (const char *bad : {"", "-", "x", "5x", "5m3", "m", "nan", "inf", "1e5", "5 m", "--1"}) {
        CAPTURE(bad);
        CHECK_THROWS_AS(parse_duration(bad), std::invalid_argument);
    }
}

TEST_CASE("a reload is taken whole or refused with a reason") {
    ConfigFile file;
    const Settings current = load_settings(file.from("queue = 1"));
    const auto fresh = reload_settings(current, file.from("queue = 2"));
    REQUIRE(std::holds_alternative<Settings>(fresh));
    CHECK(std::get<Settings>(fresh).queue == 2);
    const auto broken = reload_settings(current, file.from("queue = 3\nnonsense = 1"));
    REQUIRE(std::holds_alternative<std::string>(broken));
    CHECK(std::get<std::string>(broken).find(":2: there is no setting") != std::string::npos);
    const auto moved = reload_settings(current, file.from("tcp = 127.0.0.1:5\ntcp_no_token = yes"));
    REQUIRE(std::holds_alternative<std::string>(moved));
    CHECK(std::get<std::string>(moved) == "tcp: changes only when the daemon starts");
}

TEST_CASE("variables with our prefix that are no settings are found") {
    CHECK(unknown_variables({"OLLAMA_MODELS=/models", "OLLAMA_HOST=x"}) == std::vector<std::string>{"OLLAMA_MODELS"});
    CHECK(unknown_variables({"QUANTD_QUEUE=1", "QUANTD_QEUE=1", "PATH=x"}) == std::vector<std::string>{"QUANTD_QEUE"});
}

TEST_CASE("a token that others can read is refused") {
    const quant::test::ScratchFolder folder;
    const auto path = folder.path() / "token";
    const auto write = [&](const std::string &text, mode_t mode) {
        std::ofstream(path) << text;
        REQUIRE(::chmod(path.c_str(), mode) == 0);
    };
    write("0123456789abcdef\n", 0600);
    CHECK(read_token(path) == "0123456789abcdef");
    for (const mode_t mode : {0640, 0604, 0644}) {
        write("0123456789abcdef\n", mode);
        CHECK_THROWS_AS(read_token(path), SettingsError);
    }
    for (const char *bad : {"", "short", "0123456789 abcdef", "0123456789abcdef\n0123456789abcdef"}) {
        write(bad, 0600);
        CHECK_THROWS_AS(read_token(path), SettingsError);
    }
    CHECK_THROWS_AS(read_token(folder.path() / "none"), SettingsError);
}
