#include "supervisor/http/request_rules.h"

#include <array>
#include <charconv>
#include <string>

#include "supervisor/http/text.h"

namespace lambdapool::supervisor {
namespace {

constexpr std::array<std::string_view, 7> kMethods = {"GET",   "HEAD",   "POST",   "PUT",
                                                      "PATCH", "DELETE", "OPTIONS"};

std::unexpected<Failure> bad(const std::string& detail) {
  return std::unexpected(make_failure(FailureKind::kBadRequest, detail));
}

std::unexpected<Failure> not_implemented(const std::string& detail) {
  return std::unexpected(make_failure(FailureKind::kNotImplemented, detail));
}

std::expected<void, Failure> read_version(std::string_view version, RequestHead& head) {
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) ||
      version[6] != '.' || !is_digit(version[7])) {
    return bad("the request line does not end in an HTTP version");
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return std::unexpected(
        make_failure(FailureKind::kVersionNotSupported,
                     std::string(version) + ", only HTTP/1.1 and HTTP/1.0 are served"));
  }
  head.minor_version = version.back() - '0';
  return {};
}

// The part of an absolute-form target from its path on; empty for another form.
std::string_view path_of_absolute(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.size() < scheme.size() ||
        !equals_ignoring_case(target.substr(0, scheme.size()), scheme))
      continue;
    const std::string_view rest = target.substr(scheme.size());
    const auto end = rest.find_first_of("/?");
    if (end == 0 || rest.empty()) return {};
    if (end == std::string_view::npos) return "/";
    return rest.substr(end);
  }
  return {};
}

std::expected<void, Failure> read_target(RequestHead& head) {
  std::string_view rest = head.target;
  if (rest == "*") {
    if (head.method != "OPTIONS") return bad("'*' is a target for OPTIONS only");
    head.path = rest;
    return {};
  }
  if (!rest.starts_with('/')) rest = path_of_absolute(rest);
  if (rest.empty()) return bad("the request target is neither a path nor an absolute http URL");
  if (rest.find('#') != std::string_view::npos) return bad("the request target has a fragment");
  const auto question = rest.find('?');
  head.path = rest.substr(0, question);
  if (head.path.empty()) head.path = "/";
  if (question != std::string_view::npos) head.query = rest.substr(question + 1);
  return {};
}

// uri-host [ ":" port ] of RFC 9112, 3.2.
bool is_host(std::string_view value) {
  std::string_view port;
  if (value.starts_with('[')) {
    const auto end = value.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    for (const char c : value.substr(1, end - 1)) {
      if (!is_hex(c) && c != ':' && c != '.') return false;
    }
    port = value.substr(end + 1);
  } else {
    const auto colon = value.find(':');
    const std::string_view name = value.substr(0, colon);
    for (std::size_t i = 0; i < name.size(); ++i) {
      const char c = name[i];
      if (c == '%') {
        if (i + 2 >= name.size() || !is_hex(name[i + 1]) || !is_hex(name[i + 2])) return false;
      } else if (!is_digit(c) && !is_alpha(c) &&
                 std::string_view("-._~!$&'()*+,;=").find(c) == std::string_view::npos) {
        return false;
      }
    }
    if (colon != std::string_view::npos) port = value.substr(colon);
  }
  if (port.empty()) return true;
  constexpr std::size_t kMostPortBytes = 6;
  return port.front() == ':' && port.size() <= kMostPortBytes &&
         std::ranges::all_of(port.substr(1), is_digit);
}

std::expected<void, Failure> read_content_length(std::string_view value, RequestHead& head) {
  if (head.content_length) return bad("more than one Content-Length");
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  if (value.empty() || error != std::errc{} || end != value.data() + value.size()) {
    return bad("Content-Length is not a number");
  }
  head.content_length = length;
  return {};
}

std::expected<void, Failure> read_transfer_encoding(std::string_view value, RequestHead& head) {
  if (head.chunked) return bad("more than one Transfer-Encoding");
  if (value.empty()) return bad("an empty Transfer-Encoding");
  if (equals_ignoring_case(value, "chunked")) {
    head.chunked = true;
    return {};
  }
  return not_implemented("Transfer-Encoding '" + std::string(value) +
                         "', only one 'chunked' is understood");
}

}  // namespace

std::expected<void, Failure> read_request_line(std::string_view line, RequestHead& head) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return bad("the request line is not 'METHOD target HTTP/1.1'");
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  if (head.target.empty() || head.target.find_first_of(" \t") != std::string_view::npos) {
    return bad("the request line is not three parts with one space between");
  }
  if (!is_token(head.method)) return bad("the method is not a word");
  if (auto version = read_version(line.substr(last + 1), head); !version) return version;
  if (std::ranges::find(kMethods, head.method) == kMethods.end()) {
    return not_implemented("the method " + std::string(head.method));
  }
  return read_target(head);
}

std::expected<void, Failure> check_fields(RequestHead& head) {
  int hosts = 0;
  bool has_transfer_encoding = false;
  bool close = false;
  bool keep_alive = false;
  std::expected<void, Failure> result;
  for (const protocol::Field& field : head.fields) {
    if (equals_ignoring_case(field.name, "host")) {
      ++hosts;
      if (!is_host(field.value)) return bad("Host is not a host with an optional port");
    } else if (equals_ignoring_case(field.name, "content-length")) {
      result = read_content_length(field.value, head);
    } else if (equals_ignoring_case(field.name, "transfer-encoding")) {
      has_transfer_encoding = true;
      result = read_transfer_encoding(field.value, head);
    } else if (equals_ignoring_case(field.name, "connection")) {
      for_each_element(field.value, [&](std::string_view option) {
        close = close || equals_ignoring_case(option, "close");
        keep_alive = keep_alive || equals_ignoring_case(option, "keep-alive");
      });
    } else if (equals_ignoring_case(field.name, "expect") && head.minor_version > 0) {
      if (!equals_ignoring_case(field.value, "100-continue")) {
        return std::unexpected(make_failure(FailureKind::kExpectationFailed,
                                            "only the expectation 100-continue is understood"));
      }
      head.expects_continue = true;
    }
    if (!result) return result;
  }
  if (hosts > 1) return bad("more than one Host");
  if (hosts == 0 && head.minor_version > 0) return bad("no Host");
  if (has_transfer_encoding && head.content_length)
    return bad("both Transfer-Encoding and Content-Length");
  if (has_transfer_encoding && head.minor_version == 0) return bad("Transfer-Encoding in HTTP/1.0");
  head.keep_alive = !close && (head.minor_version > 0 || keep_alive);
  return {};
}

bool allowed_in_trailers(std::string_view name) {
  for (const std::string_view framing : {"content-length", "host", "transfer-encoding"}) {
    if (equals_ignoring_case(name, framing)) return false;
  }
  return true;
}

}  // namespace lambdapool::supervisor
