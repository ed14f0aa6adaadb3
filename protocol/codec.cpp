#include "protocol/codec.h"

#include <cstring>
#include <msgpack.hpp>

#include "protocol/frame.h"

namespace lambdapool::protocol {
namespace {

enum class Type : std::uint8_t {
  kStart = 1,
  kRequest = 2,
  kCancel = 3,
  kShutdown = 4,
  kCredit = 5,
  kAskStacks = 6,
  kSetLogLevel = 7,
  kMemoryFree = 8,
  kMemoryIdle = 9,
  kMemoryForgotten = 10,
  kReady = 129,
  kStartFailed = 130,
  kResponse = 131,
  kFailure = 132,
  kLog = 133,
  kStreamHead = 134,
  kStreamChunk = 135,
  kStreamEnd = 136,
  kMetric = 137,
  kStacks = 138,
  kMemoryRefused = 139,
};

constexpr std::size_t kMaxElements = 4096;
constexpr std::size_t kMaxDepth = 4;

// The stream that msgpack::packer writes to.
class Sink {
 public:
  explicit Sink(std::string& out) : out_(out) {}
  void write(const char* bytes, std::size_t count) { out_.append(bytes, count); }

 private:
  std::string& out_;
};

class Packer {
 public:
  explicit Packer(std::string& out) : sink_(out), packer_(sink_) {}

  void array(std::size_t elements) { packer_.pack_array(static_cast<std::uint32_t>(elements)); }
  void type(Type value) { packer_.pack_uint8(static_cast<std::uint8_t>(value)); }
  void number(std::uint64_t value) { packer_.pack_uint64(value); }
  // Always nine bytes, so that it can be filled in later.
  void wide_number(std::uint64_t value) { packer_.pack_fix_uint64(value); }
  void text(std::string_view value) {
    packer_.pack_str(static_cast<std::uint32_t>(value.size()));
    packer_.pack_str_body(value.data(), static_cast<std::uint32_t>(value.size()));
  }
  void bytes_header(std::size_t size) { packer_.pack_bin(static_cast<std::uint32_t>(size)); }
  void bytes(std::string_view value) {
    bytes_header(value.size());
    packer_.pack_bin_body(value.data(), static_cast<std::uint32_t>(value.size()));
  }
  void numbers(const std::vector<double>& values) {
    array(values.size());
    for (const double value : values) packer_.pack_double(value);
  }
  void fields(const Fields& values) {
    array(values.size() * 2);
    for (const Field& field : values) {
      bytes(field.name);
      bytes(field.value);
    }
  }

 private:
  Sink sink_;
  msgpack::packer<Sink> packer_;
};

// Appends a frame whose payload `pack` writes, and fills in its length afterwards.
// `left_out` is how much of the payload is not there.
template <class Pack>
void append_frame(std::string& out, Pack pack, std::size_t left_out = 0) {
  const std::size_t start = out.size();
  out.append(kHeaderBytes, '\0');
  Packer packer(out);
  pack(packer);
  const auto length = static_cast<std::uint32_t>(out.size() - start - kHeaderBytes + left_out);
  for (std::size_t i = 0; i < kHeaderBytes; ++i) {
    out[start + i] = static_cast<char>((length >> (8 * (kHeaderBytes - 1 - i))) & 0xff);
  }
}

constexpr std::size_t kRequestElements = 12;
constexpr std::size_t kRequestInMemoryElements = 13;
constexpr std::size_t kResponseElements = 6;
constexpr std::size_t kResponseInMemoryElements = 7;

void append_request(std::string& out, std::uint64_t id, std::uint32_t slot,
                    std::uint32_t time_left_ms, std::string_view request_fields,
                    std::string_view body, std::uint64_t body_in_memory, std::uint64_t memory) {
  append_frame(out, [&](Packer& packer) {
    packer.array(body_in_memory > 0 ? kRequestInMemoryElements : kRequestElements);
    packer.type(Type::kRequest);
    packer.number(id);
    packer.number(slot);
    packer.number(time_left_ms);
    out.append(request_fields);
    if (body_in_memory > 0) {
      packer.number(body_in_memory);
      packer.number(memory);
    } else {
      packer.bytes(body);
    }
  });
}

std::optional<std::string_view> as_bytes(const msgpack::object& object) {
  if (object.type == msgpack::type::BIN) return {{object.via.bin.ptr, object.via.bin.size}};
  if (object.type == msgpack::type::STR) return {{object.via.str.ptr, object.via.str.size}};
  return std::nullopt;
}

// Reads the fields of one array in order. After the first field that does not fit, every read gives
// nothing and `error` keeps what was wrong, so that a message is read without a check per field.
class Reader {
 public:
  Reader(const msgpack::object_array& array, std::string_view message)
      : array_(array), message_(message) {}

  std::uint64_t number(std::uint64_t limit = UINT64_MAX) {
    const msgpack::object* field = next();
    if (field == nullptr) return 0;
    if (field->type != msgpack::type::POSITIVE_INTEGER || field->via.u64 > limit) {
      return fail("a number"), 0;
    }
    return field->via.u64;
  }
  std::uint32_t number32() { return static_cast<std::uint32_t>(number(UINT32_MAX)); }

  std::string_view bytes() {
    const msgpack::object* field = next();
    if (field == nullptr) return {};
    const auto view = as_bytes(*field);
    if (!view) return fail("bytes or text"), std::string_view{};
    return *view;
  }

  // The body is bytes, or how many there are in memory.
  template <class Message>
  void body(Message& message) {
    const msgpack::object* field = next();
    if (field == nullptr) return;
    if (field->type == msgpack::type::POSITIVE_INTEGER && field->via.u64 > 0 &&
        field->via.u64 <= kMaxBodyBytes) {
      message.body_in_memory = field->via.u64;
    } else if (const auto view = as_bytes(*field)) {
      message.body = *view;
    } else {
      fail("a body or the size of one in memory");
    }
  }

  Fields fields() {
    const msgpack::object* field = next();
    if (field == nullptr) return {};
    if (field->type != msgpack::type::ARRAY || field->via.array.size % 2 != 0) {
      return fail("a list of names and values"), Fields{};
    }
    Fields result;
    result.reserve(field->via.array.size / 2);
    for (std::uint32_t i = 0; i + 1 < field->via.array.size; i += 2) {
      const auto name = as_bytes(field->via.array.ptr[i]);
      const auto value = as_bytes(field->via.array.ptr[i + 1]);
      if (!name || !value) return fail("a list of names and values"), Fields{};
      result.push_back({*name, *value});
    }
    return result;
  }

  std::vector<double> numbers() {
    const msgpack::object* field = next();
    if (field == nullptr) return {};
    if (field->type != msgpack::type::ARRAY)
      return fail("a list of numbers"), std::vector<double>{};
    std::vector<double> result;
    result.reserve(field->via.array.size);
    for (std::uint32_t i = 0; i < field->via.array.size; ++i) {
      // The packer writes a whole number as an integer.
      const msgpack::object& element = field->via.array.ptr[i];
      if (element.type == msgpack::type::POSITIVE_INTEGER) {
        result.push_back(static_cast<double>(element.via.u64));
      } else if (element.type == msgpack::type::NEGATIVE_INTEGER) {
        result.push_back(static_cast<double>(element.via.i64));
      } else if (element.type == msgpack::type::FLOAT64) {
        result.push_back(element.via.f64);
      } else {
        return fail("a list of numbers"), std::vector<double>{};
      }
    }
    return result;
  }

  template <class Message, class Any>
  std::expected<Any, DecodeError> finish(Message message) {
    if (!error_.empty()) return std::unexpected(DecodeError{error_});
    return Any{std::move(message)};
  }

 private:
  const msgpack::object* next() {
    if (!error_.empty()) return nullptr;
    ++position_;
    if (position_ >= array_.size) return fail("one more field"), nullptr;
    return &array_.ptr[position_];
  }

  void fail(std::string_view wanted) {
    error_ = std::string(message_) + ": field " + std::to_string(position_) + " should be " +
             std::string(wanted);
  }

  const msgpack::object_array& array_;
  std::string_view message_;
  std::uint32_t position_ = 0;  // Field 0 is the type.
  std::string error_;
};

// Reads the two messages of every request without msgpack's tree of objects, which costs more than
// all else about them. It knows one form of each, the one that Packer makes of it; whatever is
// written differently, wrong or not, it leaves to msgpack.
class QuickReader {
 public:
  explicit QuickReader(std::string_view payload) : rest_(payload) {}

  // Whether all reads so far have found what they wanted.
  bool good() const { return good_; }
  bool at_end() const { return good_ && rest_.empty(); }

  bool begins_array_of(std::size_t elements) const {
    return !rest_.empty() && static_cast<std::uint8_t>(rest_.front()) == (0x90 | elements);
  }
  bool array_of(std::size_t elements) { return good_ = good_ && array() == elements && good_; }

  std::uint64_t number(std::uint64_t limit = UINT64_MAX) {
    const std::uint8_t tag = take_byte();
    std::uint64_t value = tag;
    if (tag >= 0xcc && tag <= 0xcf) {
      value = big_endian(std::size_t{1} << (tag - 0xcc));
    } else if (tag > 0x7f) {
      good_ = false;
    }
    if (value > limit) good_ = false;
    return good_ ? value : 0;
  }
  std::uint32_t number32() { return static_cast<std::uint32_t>(number(UINT32_MAX)); }

  std::string_view bytes() {
    const std::uint8_t tag = take_byte();
    std::uint64_t size = 0;
    if ((tag & 0xe0) == 0xa0) {
      size = tag & 0x1f;
    } else if (tag >= 0xc4 && tag <= 0xc6) {
      size = big_endian(std::size_t{1} << (tag - 0xc4));
    } else if (tag >= 0xd9 && tag <= 0xdb) {
      size = big_endian(std::size_t{1} << (tag - 0xd9));
    } else {
      good_ = false;
    }
    return take(size);
  }

  // The body is bytes, or how many there are in memory.
  template <class Message>
  void body(Message& message) {
    const std::uint8_t tag = good_ && !rest_.empty() ? static_cast<std::uint8_t>(rest_.front()) : 0;
    if (tag < 0xcc || tag > 0xcf) {
      message.body = bytes();
      return;
    }
    message.body_in_memory = number(kMaxBodyBytes);
    if (message.body_in_memory == 0) good_ = false;
  }

  Fields fields() {
    const std::size_t elements = array();
    if (elements % 2 != 0 || elements > kMaxElements) good_ = false;
    Fields result;
    if (!good_) return result;
    result.reserve(elements / 2);
    for (std::size_t i = 0; i < elements && good_; i += 2) {
      const std::string_view name = bytes();
      result.push_back({name, bytes()});
    }
    return result;
  }

 private:
  std::size_t array() {
    const std::uint8_t tag = take_byte();
    if ((tag & 0xf0) == 0x90) return tag & 0x0f;
    if (tag == 0xdc) return big_endian(2);
    good_ = false;
    return 0;
  }

  std::uint8_t take_byte() {
    if (!good_ || rest_.empty()) return good_ = false, std::uint8_t{0};
    const auto byte = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }

  std::string_view take(std::uint64_t size) {
    if (!good_ || size > rest_.size()) return good_ = false, std::string_view{};
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::uint64_t big_endian(std::size_t size) {
    std::uint64_t value = 0;
    for (const char byte : take(size)) value = value << 8 | static_cast<std::uint8_t>(byte);
    return value;
  }

  std::string_view rest_;
  bool good_ = true;
};

std::optional<Request> read_quickly_request(std::string_view payload) {
  QuickReader in(payload);
  const bool in_memory = in.begins_array_of(kRequestInMemoryElements);
  if (!in.array_of(in_memory ? kRequestInMemoryElements : kRequestElements) ||
      in.number() != static_cast<std::uint64_t>(Type::kRequest))
    return std::nullopt;
  Request request{in.number(), in.number32(), in.number32(), in.bytes(),    in.bytes(), in.bytes(),
                  in.fields(), in.bytes(),    in.bytes(),    in.number32(), {}};
  in.body(request);
  if (in_memory) request.memory = in.number();
  if (!in.at_end() || in_memory != (request.body_in_memory > 0)) return std::nullopt;
  return request;
}

std::optional<Response> read_quickly_response(std::string_view payload) {
  QuickReader in(payload);
  const bool in_memory = in.begins_array_of(kResponseInMemoryElements);
  if (!in.array_of(in_memory ? kResponseInMemoryElements : kResponseElements) ||
      in.number() != static_cast<std::uint64_t>(Type::kResponse))
    return std::nullopt;
  Response response{in.number(), in.number32(), in.fields(), {}};
  in.body(response);
  response.route = in.bytes();
  if (in_memory) response.place = in.number();
  if (!in.at_end() || in_memory != (response.body_in_memory > 0)) return std::nullopt;
  return response;
}

bool refer_to_payload(msgpack::type::object_type, std::size_t, void*) { return true; }

// Parses the payload into an array whose first field is a type, then calls `read` with both.
template <class Any, class Read>
std::expected<Any, DecodeError> decode(std::string_view payload, Read read) {
  try {
    msgpack::zone zone;
    std::size_t offset = 0;
    bool referenced = false;
    const msgpack::unpack_limit limit(kMaxElements, kMaxElements, kMaxFrameBytes, kMaxFrameBytes, 0,
                                      kMaxDepth);
    const msgpack::object object = msgpack::unpack(zone, payload.data(), payload.size(), offset,
                                                   referenced, &refer_to_payload, nullptr, limit);
    if (offset != payload.size()) return std::unexpected(DecodeError{"bytes after the message"});
    if (object.type != msgpack::type::ARRAY || object.via.array.size == 0 ||
        object.via.array.ptr[0].type != msgpack::type::POSITIVE_INTEGER) {
      return std::unexpected(DecodeError{"not an array that begins with a type"});
    }
    return read(object.via.array.ptr[0].via.u64, object.via.array);
  } catch (const std::exception& error) {
    return std::unexpected(DecodeError{std::string("not msgpack: ") + error.what()});
  }
}

template <class Any>
std::expected<Any, DecodeError> unknown_type(std::uint64_t type) {
  return std::unexpected(DecodeError{"unknown message type " + std::to_string(type)});
}

}  // namespace

void append(std::string& out, const Start& message) {
  append_frame(out, [&](Packer& packer) {
    packer.array(24);
    packer.type(Type::kStart);
    packer.number(message.version);
    packer.bytes(message.lambda_root);
    packer.text(message.lambda_id);
    packer.text(message.lambda_name);
    packer.text(message.lambda_version);
    packer.bytes(message.pylib);
    packer.bytes(message.venv);
    packer.text(message.event_loop);
    packer.text(message.log_level);
    packer.number(message.worker);
    packer.number(message.window);
    packer.bytes(message.settings);
    packer.number(message.limits.memory);
    packer.number(message.limits.open_files);
    packer.number(message.limits.cpu_seconds);
    packer.number(message.limits.processes);
    packer.number(message.limits.core_bytes);
    packer.number(message.limits.nice);
    packer.number(message.limits.no_new_privileges);
    packer.text(message.limits.user);
    packer.number(message.limits.uid);
    packer.number(message.limits.gid);
    packer.number(message.answer_memory);
  });
}

std::optional<RequestTarget> read_request_target(std::string_view request_fields) {
  try {
    std::size_t offset = 0;
    RequestTarget target;
    for (std::string_view* part : {&target.method, &target.path, &target.query}) {
      msgpack::zone zone;
      bool referenced = false;
      const msgpack::object object =
          msgpack::unpack(zone, request_fields.data(), request_fields.size(), offset, referenced,
                          &refer_to_payload);
      const auto view = as_bytes(object);
      if (!view) return std::nullopt;
      *part = *view;
    }
    return target;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::string encode_request_fields(const Request& message) {
  std::string out;
  std::size_t size = 64 + message.path.size() + message.query.size() + message.request_id.size();
  for (const Field& field : message.headers) size += field.name.size() + field.value.size() + 8;
  out.reserve(size);
  Packer packer(out);
  packer.text(message.method);
  packer.bytes(message.path);
  packer.bytes(message.query);
  packer.fields(message.headers);
  packer.text(message.peer);
  packer.text(message.request_id);
  packer.number(message.http_minor);
  return out;
}

void append_request(std::string& out, std::uint64_t id, std::uint32_t slot,
                    std::uint32_t time_left_ms, std::string_view request_fields,
                    std::string_view body) {
  append_request(out, id, slot, time_left_ms, request_fields, body, 0, 0);
}

void append_request_with_memory(std::string& out, std::uint64_t id, std::uint32_t slot,
                                std::uint32_t time_left_ms, std::string_view request_fields,
                                std::uint64_t body_bytes, std::uint64_t memory) {
  append_request(out, id, slot, time_left_ms, request_fields, {}, body_bytes, memory);
}

void append(std::string& out, const Request& message) {
  append_request(out, message.id, message.slot, message.time_left_ms,
                 encode_request_fields(message), message.body, message.body_in_memory,
                 message.memory);
}

void append(std::string& out, const Cancel& message) {
  append_frame(out, [&](Packer& packer) {
    packer.array(3);
    packer.type(Type::kCancel);
    packer.number(message.id);
    packer.text(message.reason);
  });
}

void append(std::string& out, const Shutdown& message) {
  append_frame(out, [&](Packer& packer) {
    packer.array(2);
    packer.type(Type::kShutdown);
    packer.number(message.limit_ms);
  });
}

void append(std::string& out, const Ready& message) {
  append_frame(out, [&](Packer& packer) {
    packer.array(4);
    packer.type(Type::kReady);
    packer.number(message.version);
    packer.text(message.lambda_type);
    packer.text(message.event_loop);
  });
}

void append(std::string& out, const StartFailed& message) {
  append_frame(out, [&](Packer& packer) {
    packer.array(4);
    packer.type(Type::kStartFailed);
    packer.text(message.stage);
    packer.bytes(message.text);
    packer.bytes(message.traceback);
  });
}

void append(std::string& out, const Response& message) {
  append_frame(out, [&](Packer& packer) {
    const bool in_memory = message.body_in_memory > 0;
    packer.array(in_memory ? kResponseInMemoryElements : kResponseElements);
    packer.type(Type::kResponse);
    packer.number(message.id);
    packer.number(message.status);
    packer.fields(message.headers);
    if (in_memory) {
      packer.number(message.body_in_memory);
    } else {
      packer.bytes(message.body);
    }
    packer.text(message.route);
    if (in_memory) packer.wide_number(message.place);
  });
}

void set_place(std::string& frame, std::uint64_t place) {
  for (std::size_t i = 0; i < sizeof(place); ++i) {
    frame[frame.size() - 1 - i] = static_cast<char>((place >> (8 * i)) & 0xff);
  }
}

std::size_t append_around_body(std::string& out, const Response& message) {
  std::size_t place = 0;
  append_frame(
      out,
      [&](Packer& packer) {
        packer.array(6);
        packer.type(Type::kResponse);
        packer.number(message.id);
        packer.number(message.status);
        packer.fields(message.headers);
        packer.bytes_header(message.body.size());
        place = out.size();
        packer.text(message.route);
      },
      message.body.size());
  return place;
}

void append(std::string& out, const Failure& message) {
  append_frame(out, [&](Packer& packer) {
    packer.array(9);
    packer.type(Type::kFailure);
    packer.number(message.id);
    packer.number(message.status);
    packer.text(message.kind);
    packer.number(message.error_code);
    packer.bytes(message.desc);
    packer.bytes(message.detail);
    packer.fields(message.headers);
    packer.text(message.route);
  });
}

void append(std::string& out, const Log& message) {
  append_frame(out, [&](Packer& packer) {
    packer.array(4);
    packer.type(Type::kLog);
    packer.text(message.level);
    packer.text(message.request_id);
    packer.bytes(message.text);
  });
}

void append(std::string& out, const Credit& message) {
  append_frame(out, [&](Packer& packer) {
    packer.array(3);
    packer.type(Type::kCredit);
    packer.number(message.id);
    packer.number(message.bytes);
  });
}

void append(std::string& out, const StreamHead& message) {
  append_frame(out, [&](Packer& packer) {
    packer.array(5);
    packer.type(Type::kStreamHead);
    packer.number(message.id);
    packer.number(message.status);
    packer.fields(message.headers);
    packer.text(message.route);
  });
}

void append(std::string& out, const StreamChunk& message) {
  append_frame(out, [&](Packer& packer) {
    packer.array(3);
    packer.type(Type::kStreamChunk);
    packer.number(message.id);
    packer.bytes(message.bytes);
  });
}

void append(std::string& out, const StreamEnd& message) {
  append_frame(out, [&](Packer& packer) {
    packer.array(3);
    packer.type(Type::kStreamEnd);
    packer.number(message.id);
    packer.bytes(message.error);
  });
}

void append(std::string& out, const Metric& message) {
  append_frame(out, [&](Packer& packer) {
    packer.array(6);
    packer.type(Type::kMetric);
    packer.text(message.kind);
    packer.text(message.name);
    packer.bytes(message.help);
    packer.fields(message.labels);
    packer.numbers(message.values);
  });
}

void append(std::string& out, const AskStacks& message) {
  append_frame(out, [&](Packer& packer) {
    packer.array(2);
    packer.type(Type::kAskStacks);
    packer.number(message.id);
  });
}

void append(std::string& out, const SetLogLevel& message) {
  append_frame(out, [&](Packer& packer) {
    packer.array(2);
    packer.type(Type::kSetLogLevel);
    packer.text(message.level);
  });
}

void append(std::string& out, const MemoryFree& message) {
  append_frame(out, [&](Packer& packer) {
    packer.array(2);
    packer.type(Type::kMemoryFree);
    packer.number(message.place);
  });
}

void append(std::string& out, const MemoryIdle&) {
  append_frame(out, [&](Packer& packer) {
    packer.array(1);
    packer.type(Type::kMemoryIdle);
  });
}

void append(std::string& out, const MemoryForgotten& message) {
  append_frame(out, [&](Packer& packer) {
    packer.array(2);
    packer.type(Type::kMemoryForgotten);
    packer.number(message.memory);
  });
}

void append(std::string& out, const Stacks& message) {
  append_frame(out, [&](Packer& packer) {
    packer.array(3);
    packer.type(Type::kStacks);
    packer.number(message.id);
    packer.bytes(message.text);
  });
}

void append(std::string& out, const MemoryRefused& message) {
  append_frame(out, [&](Packer& packer) {
    packer.array(2);
    packer.type(Type::kMemoryRefused);
    packer.number(message.memory);
  });
}

// The braces below are what makes the reads happen in the order of the fields.

std::expected<Down, DecodeError> decode_down(std::string_view payload) {
  if (auto request = read_quickly_request(payload)) return Down{*std::move(request)};
  return decode<Down>(
      payload,
      [](std::uint64_t type,
         const msgpack::object_array& array) -> std::expected<Down, DecodeError> {
        if (type == static_cast<std::uint64_t>(Type::kStart)) {
          Reader in(array, "start");
          return in.finish<Start, Down>(
              Start{in.number32(), in.bytes(), in.bytes(), in.bytes(), in.bytes(), in.bytes(),
                    in.bytes(), in.bytes(), in.bytes(), in.number32(), in.number32(), in.bytes(),
                    Limits{in.number(), in.number(), in.number(), in.number(), in.number(),
                           in.number32(), in.number32(), in.bytes(), in.number32(), in.number32()},
                    in.number()});
        }
        if (type == static_cast<std::uint64_t>(Type::kRequest)) {
          Reader in(array, "request");
          Request request{in.number(), in.number32(), in.number32(), in.bytes(), in.bytes(),
                          in.bytes(),  in.fields(),   in.bytes(),    in.bytes(), in.number32(),
                          {}};
          in.body(request);
          if (request.body_in_memory > 0) request.memory = in.number();
          return in.finish<Request, Down>(std::move(request));
        }
        if (type == static_cast<std::uint64_t>(Type::kCancel)) {
          Reader in(array, "cancel");
          return in.finish<Cancel, Down>(Cancel{in.number(), in.bytes()});
        }
        if (type == static_cast<std::uint64_t>(Type::kShutdown)) {
          Reader in(array, "shutdown");
          return in.finish<Shutdown, Down>(Shutdown{in.number32()});
        }
        if (type == static_cast<std::uint64_t>(Type::kCredit)) {
          Reader in(array, "credit");
          return in.finish<Credit, Down>(Credit{in.number(), in.number()});
        }
        if (type == static_cast<std::uint64_t>(Type::kAskStacks)) {
          Reader in(array, "stacks");
          return in.finish<AskStacks, Down>(AskStacks{in.number()});
        }
        if (type == static_cast<std::uint64_t>(Type::kSetLogLevel)) {
          Reader in(array, "log_level");
          return in.finish<SetLogLevel, Down>(SetLogLevel{in.bytes()});
        }
        if (type == static_cast<std::uint64_t>(Type::kMemoryFree)) {
          Reader in(array, "memory_free");
          return in.finish<MemoryFree, Down>(MemoryFree{in.number()});
        }
        if (type == static_cast<std::uint64_t>(Type::kMemoryIdle)) {
          return Down{MemoryIdle{}};
        }
        if (type == static_cast<std::uint64_t>(Type::kMemoryForgotten)) {
          Reader in(array, "memory_forgotten");
          return in.finish<MemoryForgotten, Down>(MemoryForgotten{in.number()});
        }
        return unknown_type<Down>(type);
      });
}

std::expected<Up, DecodeError> decode_up(std::string_view payload) {
  if (auto response = read_quickly_response(payload)) return Up{*std::move(response)};
  return decode<Up>(
      payload,
      [](std::uint64_t type, const msgpack::object_array& array) -> std::expected<Up, DecodeError> {
        if (type == static_cast<std::uint64_t>(Type::kReady)) {
          Reader in(array, "ready");
          return in.finish<Ready, Up>(Ready{in.number32(), in.bytes(), in.bytes()});
        }
        if (type == static_cast<std::uint64_t>(Type::kStartFailed)) {
          Reader in(array, "start_failed");
          return in.finish<StartFailed, Up>(StartFailed{in.bytes(), in.bytes(), in.bytes()});
        }
        if (type == static_cast<std::uint64_t>(Type::kResponse)) {
          Reader in(array, "response");
          Response response{in.number(), in.number32(), in.fields(), {}};
          in.body(response);
          response.route = in.bytes();
          if (response.body_in_memory > 0) response.place = in.number();
          return in.finish<Response, Up>(std::move(response));
        }
        if (type == static_cast<std::uint64_t>(Type::kFailure)) {
          Reader in(array, "failure");
          return in.finish<Failure, Up>(Failure{in.number(), in.number32(), in.bytes(),
                                                in.number32(), in.bytes(), in.bytes(), in.fields(),
                                                in.bytes()});
        }
        if (type == static_cast<std::uint64_t>(Type::kLog)) {
          Reader in(array, "log");
          return in.finish<Log, Up>(Log{in.bytes(), in.bytes(), in.bytes()});
        }
        if (type == static_cast<std::uint64_t>(Type::kStreamHead)) {
          Reader in(array, "stream_head");
          return in.finish<StreamHead, Up>(
              StreamHead{in.number(), in.number32(), in.fields(), in.bytes()});
        }
        if (type == static_cast<std::uint64_t>(Type::kStreamChunk)) {
          Reader in(array, "stream_chunk");
          return in.finish<StreamChunk, Up>(StreamChunk{in.number(), in.bytes()});
        }
        if (type == static_cast<std::uint64_t>(Type::kStreamEnd)) {
          Reader in(array, "stream_end");
          return in.finish<StreamEnd, Up>(StreamEnd{in.number(), in.bytes()});
        }
        if (type == static_cast<std::uint64_t>(Type::kMetric)) {
          Reader in(array, "metric");
          return in.finish<Metric, Up>(
              Metric{in.bytes(), in.bytes(), in.bytes(), in.fields(), in.numbers()});
        }
        if (type == static_cast<std::uint64_t>(Type::kStacks)) {
          Reader in(array, "stacks");
          return in.finish<Stacks, Up>(Stacks{in.number(), in.bytes()});
        }
        if (type == static_cast<std::uint64_t>(Type::kMemoryRefused)) {
          Reader in(array, "memory_refused");
          return in.finish<MemoryRefused, Up>(MemoryRefused{in.number()});
        }
        return unknown_type<Up>(type);
      });
}

}  // namespace lambdapool::protocol
