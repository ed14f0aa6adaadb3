#include "supervisor/http/response_bytes.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "supervisor/http/status_text.h"
#include "supervisor/http/text.h"
#include "supervisor/log/escape.h"

namespace lambdapool::supervisor {
namespace {

constexpr std::uint32_t kLowestStatus = 200;
constexpr std::uint32_t kHighestStatus = 599;

// What the host says itself, and what belongs to a connection and not to a response.
constexpr std::array<std::string_view, 11> kOwnFields = {"content-length",
                                                         "transfer-encoding",
                                                         "connection",
                                                         "keep-alive",
                                                         "upgrade",
                                                         "date",
                                                         "te",
                                                         "trailer",
                                                         "proxy-connection",
                                                         "luna-request-id",
                                                         "lambda-version"};

bool is_own_field(std::string_view name) {
  return std::ranges::any_of(
      kOwnFields, [name](std::string_view own) { return equals_ignoring_case(own, name); });
}

bool is_field_value(std::string_view value) {
  return std::ranges::all_of(value, [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return octet == '\t' || (octet >= 0x20 && octet != 0x7f);
  });
}

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), end);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

// The status line and the fields that every response has, but those that say where it ends.
void begin(std::string& out, std::uint32_t status, const ResponseContext& context, Date& date) {
  out.assign("HTTP/1.1 ");
  append_number(out, status);
  out.append(" ").append(status_text(status)).append("\r\n");
  append_field(out, "Date", date.now());
  append_field(out, "Luna-Request-Id", context.request_id);
  append_field(out, "Lambda-Version", context.lambda_version);
  if (context.after == AfterResponse::kClose) {
    append_field(out, "Connection", "close");
  } else if (context.minor_version == 0) {
    append_field(out, "Connection", "keep-alive");
  }
}

void append_length(std::string& out, std::uint32_t status, std::size_t body_bytes) {
  // RFC 9110, 8.6: none with 204; with 304 it would be the length of what is not sent.
  if (status == 204 || status == 304) return;
  out.append("Content-Length: ");
  // 205 has a body, of no bytes (RFC 9110, 15.3.6).
  append_number(out, status == 205 ? 0 : body_bytes);
  out.append("\r\n");
}

void append_lambda_fields(std::string& out, const protocol::Fields& fields) {
  for (const protocol::Field& field : fields) {
    if (!is_own_field(field.name)) append_field(out, field.name, trimmed(field.value));
  }
  out.append("\r\n");
}

// The link is that of LUNA's page about the code.
std::string error_body(const Failure& failure) {
  const std::string code = std::to_string(failure.error_code);
  std::string body = R"({"error_code":)" + code + R"(,"desc":")";
  append_json_escaped(body, failure.desc);
  body += R"(","detail":")";
  append_json_escaped(body, failure.detail);
  body +=
      R"(","link":"https://docs.visionlabs.ai/info/luna/troubleshooting/errors-description/code-)" +
      code + "\"}";
  return body;
}

}  // namespace

std::optional<std::string> find_fault(std::uint32_t status, const protocol::Fields& fields) {
  if (status < kLowestStatus || status > kHighestStatus) {
    return "the lambda answered with status " + std::to_string(status) +
           ", which is not in 200..599";
  }
  for (const protocol::Field& field : fields) {
    if (!is_token(field.name)) {
      return "the lambda's response has a header whose name is not a word: '" +
             std::string(field.name) + "'";
    }
    if (!is_field_value(field.value)) {
      return "the lambda's response has a control character in the value of the header '" +
             std::string(field.name) + "'";
    }
  }
  return std::nullopt;
}

bool sends_body(std::uint32_t status, const ResponseContext& context) {
  return !context.head && status != 204 && status != 205 && status != 304;
}

void write_response_head(std::string& out, const protocol::Response& response,
                         const ResponseContext& context, Date& date) {
  begin(out, response.status, context, date);
  append_length(out, response.status, response.body_size());
  append_lambda_fields(out, response.headers);
}

void write_stream_head(std::string& out, const protocol::StreamHead& head,
                       const ResponseContext& context, Date& date) {
  begin(out, head.status, context, date);
  if (context.minor_version > 0 && head.status != 204 && head.status != 304) {
    append_field(out, "Transfer-Encoding", "chunked");
  }
  append_lambda_fields(out, head.headers);
}

void write_stream_piece(std::string& out, std::string_view bytes, const ResponseContext& context) {
  out.clear();
  if (context.minor_version == 0) {
    out.append(bytes);
    return;
  }
  std::array<char, 16> digits{};
  constexpr int kHexadecimal = 16;
  const auto [end, error] =
      std::to_chars(digits.data(), digits.data() + digits.size(), bytes.size(), kHexadecimal);
  out.append(digits.data(), end).append("\r\n").append(bytes).append("\r\n");
}

void write_failure(std::string& out, const Failure& failure, const ResponseContext& context,
                   Date& date) {
  Failure shown = failure;
  // A worker made it, perhaps.
  if (shown.status < kLowestStatus || shown.status > kHighestStatus) shown.status = 500;
  const std::string body = error_body(shown);
  begin(out, shown.status, context, date);
  append_length(out, shown.status, body.size());
  append_field(out, "Content-Type", "application/json");
  if (is_token(shown.kind)) append_field(out, "Lambda-Error", shown.kind);
  for (const auto& [name, value] : shown.headers) {
    if (is_token(name) && is_field_value(value) && !is_own_field(name))
      append_field(out, name, value);
  }
  out.append("\r\n");
  if (sends_body(shown.status, context)) out.append(body);
}

}  // namespace lambdapool::supervisor
