// Bytes of one connection -> requests, one at a time. The only door to llhttp. No sockets.
//
// Feed it bytes until it says kComplete or kFailed; what it did not consume belongs to the next
// request (or, of an unfinished head, must be fed again with more bytes behind it). Invariants:
// nothing is kept beyond the configured limits; after kFailed nothing more is read of the
// connection.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "supervisor/config/config.h"
#include "supervisor/failure.h"
#include "supervisor/http/request_head.h"
#include "supervisor/pool/body.h"

namespace lambdapool::supervisor {

// Whether llhttp was compiled to be strict about what it accepts; a test holds it to that.
bool llhttp_is_strict();

class MessageParser {
 public:
  enum class Event {
    kNeedMore,
    kHead,      // head() is there; feed the rest for the body.
    kComplete,  // body() is whole.
    kFailed,    // failure() says why.
  };
  struct Step {
    Event event;
    std::size_t consumed;
  };

  // Large bodies are put into memory of `pool`, if there is one.
  explicit MessageParser(const ServerConfig& limits, BodyPool* pool = nullptr);
  ~MessageParser();
  MessageParser(const MessageParser&) = delete;
  MessageParser& operator=(const MessageParser&) = delete;

  Step feed(std::string_view bytes);
  // Makes ready for the next request.
  void reset();

  // Valid after kHead until the bytes that were fed go away.
  const RequestHead& head() const { return head_; }
  Body& body() { return body_; }
  // Where the next bytes of the body may be put before they are fed from there, or nothing.
  std::span<char> body_space() const {
    return stage_ == Stage::kBody ? body_.space() : std::span<char>();
  }
  const Failure& failure() const { return failure_; }

  // Whether a part of a request has come, and whether its head is done.
  bool in_message() const { return in_message_; }
  bool in_body() const { return stage_ == Stage::kBody; }

 private:
  struct Engine;  // llhttp's parser and its callbacks.
  enum class Stage { kHead, kBody, kComplete, kFailed };

  Step feed_head(std::string_view bytes);
  Step feed_body(std::string_view bytes);
  Step fail(Failure failure);
  std::optional<Failure> parse_head(std::string_view bytes);

  const ServerConfig& limits_;
  std::unique_ptr<Engine> engine_;
  Stage stage_ = Stage::kHead;
  bool in_message_ = false;
  std::size_t empty_lines_ = 0;  // Bytes of empty lines before the request line.
  RequestHead head_;
  BodyPool* pool_;
  Body body_;
  Failure failure_;
};

}  // namespace lambdapool::supervisor
