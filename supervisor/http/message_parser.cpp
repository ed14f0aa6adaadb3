#include "supervisor/http/message_parser.h"

#include <llhttp.h>

#include <algorithm>

#include "supervisor/http/head_lines.h"
#include "supervisor/http/request_rules.h"
#include "supervisor/http/text.h"

namespace lambdapool::supervisor {
namespace {

constexpr std::size_t kMaxChunkExtensionBytes = std::size_t{16} << 10;
constexpr std::size_t kMaxChunkLineBytes = kMaxChunkExtensionBytes + 64;
constexpr std::size_t kMaxTrailerBytes = std::size_t{8} << 10;
constexpr std::size_t kMaxEmptyLineBytes = 64;

Failure bad(const std::string& detail) { return make_failure(FailureKind::kBadRequest, detail); }

std::string over_max_body(const ServerConfig& limits) {
  return "the body is over server.max_body (" + std::to_string(limits.max_body) + " bytes)";
}

}  // namespace

bool llhttp_is_strict() { return LLHTTP_STRICT_MODE == 1; }

struct MessageParser::Engine {
  Engine(MessageParser& parser, const ServerConfig& limits) : owner(parser), lines(limits) {}

  static Engine& of(llhttp_t* http) { return *static_cast<Engine*>(http->data); }

  void reset() {
    llhttp_init(&http, HTTP_REQUEST, &settings());
    http.data = this;
    lines.reset();
    in_trailers = false;
    complete = false;
    extension_bytes = extension_name_bytes = trailer_bytes = 0;
    previous = '\0';
    line_bytes = 0;
    trailer_name.clear();
    failure.reset();
  }

  static llhttp_settings_t make_settings() {
    llhttp_settings_t made;
    llhttp_settings_init(&made);
    made.on_header_field = [](llhttp_t* http, const char* at, std::size_t size) {
      return of(http).on_field_name({at, size});
    };
    made.on_header_value = [](llhttp_t* http, const char* at, std::size_t size) {
      return of(http).on_field_value({at, size});
    };
    made.on_headers_complete = [](llhttp_t* http) {
      // Every upgrade is declined: what follows is HTTP/1.1 as before.
      http->upgrade = 0;
      of(http).in_trailers = true;
      return 0;
    };
    made.on_chunk_header = [](llhttp_t* http) { return of(http).on_chunk(http->content_length); };
    made.on_body = [](llhttp_t* http, const char* at, std::size_t size) {
      return of(http).on_body({at, size});
    };
    made.on_chunk_extension_name = [](llhttp_t* http, const char*, std::size_t size) {
      of(http).extension_name_bytes += size;
      return of(http).on_extension(size);
    };
    made.on_chunk_extension_name_complete = [](llhttp_t* http) {
      if (std::exchange(of(http).extension_name_bytes, 0) > 0) return 0;
      return of(http).refuse(bad("a chunk extension without a name"));
    };
    made.on_chunk_extension_value = [](llhttp_t* http, const char*, std::size_t size) {
      return of(http).on_extension(size);
    };
    made.on_message_complete = [](llhttp_t* http) {
      of(http).complete = true;
      return static_cast<int>(HPE_PAUSED);
    };
    return made;
  }
  static const llhttp_settings_t& settings() {
    static const llhttp_settings_t made = make_settings();
    return made;
  }

  int refuse(Failure why) {
    failure = std::move(why);
    return HPE_USER;
  }

  int on_field_name(std::string_view text) {
    if (!in_trailers) {
      owner.head_.fields.push_back({text, {}});
      return 0;
    }
    // Trailers are counted, checked and forgotten.
    trailer_bytes += text.size();
    if (trailer_bytes > kMaxTrailerBytes) return refuse(bad("the trailers are too long"));
    trailer_name.append(text);
    return 0;
  }

  int on_field_value(std::string_view text) {
    if (!in_trailers) {
      owner.head_.fields.back().value = trimmed(text);
      return 0;
    }
    trailer_bytes += text.size();
    if (trailer_bytes > kMaxTrailerBytes) return refuse(bad("the trailers are too long"));
    const std::string name = std::exchange(trailer_name, {});
    if (!name.empty() && !allowed_in_trailers(name))
      return refuse(bad("a framing field in the trailers"));
    return 0;
  }

  int on_extension(std::size_t bytes) {
    extension_bytes += bytes;
    if (extension_bytes <= kMaxChunkExtensionBytes) return 0;
    return refuse(bad("the chunk extensions are too long"));
  }

  // Before a byte of the chunk has come.
  int on_chunk(std::uint64_t size) {
    if (size <= owner.limits_.max_body - owner.body_.size()) return 0;
    return refuse(make_failure(FailureKind::kBodyTooLarge, over_max_body(owner.limits_)));
  }

  int on_body(std::string_view data) {
    if (auto wrong = check_framing({framing, static_cast<std::size_t>(data.data() - framing)})) {
      return refuse(*std::move(wrong));
    }
    framing = data.data() + data.size();
    previous = '\0';
    if (data.size() > owner.limits_.max_body - owner.body_.size()) {
      return refuse(make_failure(FailureKind::kBodyTooLarge, over_max_body(owner.limits_)));
    }
    owner.body_.append(data);
    return 0;
  }

  // What surrounds chunk data consists of lines, too; llhttp is lenient about their ends.
  std::optional<Failure> check_framing(std::string_view text) {
    if (!owner.head_.chunked) return std::nullopt;
    for (const char c : text) {
      const bool after_cr = previous == '\r';
      const bool after_lf = previous == '\n';
      if (after_cr != (c == '\n')) return bad("a line of the chunked body does not end in CRLF");
      if (after_lf && (c == ' ' || c == '\t' || c == ':'))
        return bad("a line of the chunked body begins with white space or a colon");
      line_bytes = c == '\n' ? 0 : line_bytes + 1;
      if (line_bytes > kMaxChunkLineBytes) return bad("a line of the chunked body is too long");
      previous = c;
    }
    return std::nullopt;
  }

  MessageParser& owner;
  llhttp_t http{};
  HeadLines lines;
  bool in_trailers = false;
  bool complete = false;
  std::size_t extension_bytes = 0;
  std::size_t extension_name_bytes = 0;
  std::size_t trailer_bytes = 0;
  std::string trailer_name;
  const char* framing = nullptr;  // Where the bytes begin that are not chunk data.
  char previous = '\0';           // The byte before them.
  std::size_t line_bytes = 0;     // Of the line they are in.
  std::optional<Failure> failure;
};

MessageParser::MessageParser(const ServerConfig& limits, BodyPool* pool)
    : limits_(limits), engine_(std::make_unique<Engine>(*this, limits)), pool_(pool) {
  reset();
}

MessageParser::~MessageParser() = default;

void MessageParser::reset() {
  engine_->reset();
  stage_ = Stage::kHead;
  in_message_ = false;
  empty_lines_ = 0;
  // The room for fields is kept for the next request, unless this one had very many.
  constexpr std::size_t kKeptFields = 16;
  protocol::Fields fields = std::move(head_.fields);
  fields.clear();
  if (fields.capacity() != kKeptFields) {
    fields.shrink_to_fit();
    fields.reserve(kKeptFields);
  }
  head_ = {};
  head_.fields = std::move(fields);
  body_ = Body(pool_);
}

MessageParser::Step MessageParser::fail(Failure failure) {
  failure_ = std::move(failure);
  stage_ = Stage::kFailed;
  return {Event::kFailed, 0};
}

MessageParser::Step MessageParser::feed(std::string_view bytes) {
  switch (stage_) {
    case Stage::kHead:
      return feed_head(bytes);
    case Stage::kBody:
      return feed_body(bytes);
    case Stage::kComplete:
      return {Event::kComplete, 0};
    case Stage::kFailed:
      return {Event::kFailed, 0};
  }
  return {Event::kFailed, 0};
}

MessageParser::Step MessageParser::feed_head(std::string_view bytes) {
  // RFC 9112, 2.2: empty lines before the request line are ignored, within reason.
  std::size_t skipped = 0;
  while (!in_message_ && bytes.substr(skipped).starts_with("\r\n")) skipped += 2;
  empty_lines_ += skipped;
  if (empty_lines_ > kMaxEmptyLineBytes) return fail(bad("empty lines without end"));
  bytes.remove_prefix(skipped);
  if (bytes.empty() || bytes == "\r") return {Event::kNeedMore, skipped};

  in_message_ = true;
  const auto found = engine_->lines.find_end(bytes);
  if (!found) return fail(found.error());
  const std::optional<std::size_t> end = *found;
  if (!end) {
    // What is no HTTP is refused at once, not when its sender runs out of time.
    const auto line = engine_->lines.request_line(bytes);
    RequestHead unused;
    if (line) {
      if (auto good = read_request_line(*line, unused); !good) return fail(good.error());
    }
    return {Event::kNeedMore, skipped};
  }
  if (auto failure = parse_head(bytes.substr(0, *end))) return fail(std::move(*failure));
  stage_ = engine_->complete ? Stage::kComplete : Stage::kBody;
  return {Event::kHead, skipped + *end};
}

std::optional<Failure> MessageParser::parse_head(std::string_view bytes) {
  if (auto line = read_request_line(bytes.substr(0, bytes.find('\r')), head_); !line)
    return line.error();
  if (head_.target.size() > limits_.max_target) {
    return make_failure(FailureKind::kTargetTooLong,
                        "the request target is over server.max_target (" +
                            std::to_string(limits_.max_target) + ")");
  }
  const llhttp_errno_t error = llhttp_execute(&engine_->http, bytes.data(), bytes.size());
  if (engine_->failure) return engine_->failure;
  const bool malformed = error != HPE_OK && error != HPE_PAUSED;
  const auto fields = check_fields(head_);
  // Where the two agree that it is bad, ours may know a better answer than 400.
  const bool plain = fields || fields.error().status == 400;
  if (malformed && plain) return bad(llhttp_get_error_reason(&engine_->http));
  if (!fields) return fields.error();
  if (!engine_->in_trailers) return bad("the head does not end where its lines do");
  if (head_.content_length.value_or(0) > limits_.max_body) {
    return make_failure(FailureKind::kBodyTooLarge, over_max_body(limits_));
  }
  body_.expect(head_.content_length.value_or(0));
  return std::nullopt;
}

MessageParser::Step MessageParser::feed_body(std::string_view bytes) {
  if (bytes.empty()) return {Event::kNeedMore, 0};
  Engine& engine = *engine_;
  engine.framing = bytes.data();
  const llhttp_errno_t error = llhttp_execute(&engine.http, bytes.data(), bytes.size());
  if (engine.failure) return fail(*engine.failure);
  if (error != HPE_OK && !engine.complete) return fail(bad(llhttp_get_error_reason(&engine.http)));
  const char* end =
      engine.complete ? llhttp_get_error_pos(&engine.http) : bytes.data() + bytes.size();
  const std::string_view rest(engine.framing, static_cast<std::size_t>(end - engine.framing));
  if (auto wrong = engine.check_framing(rest)) return fail(*std::move(wrong));
  const auto consumed = static_cast<std::size_t>(end - bytes.data());
  if (!engine.complete) return {Event::kNeedMore, consumed};
  stage_ = Stage::kComplete;
  return {Event::kComplete, consumed};
}

}  // namespace lambdapool::supervisor
