#include "supervisor/http/proxy_path.h"

#include <algorithm>

#include "supervisor/http/text.h"

namespace lambdapool::supervisor {
namespace {

constexpr std::string_view kAccountHeader = "Luna-Account-Id";
constexpr std::string_view kUuidForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

// LUNA writes UUIDs in lower case.
bool is_uuid(std::string_view text) {
  return std::ranges::equal(text, kUuidForm, [](char c, char form) {
    return form == '-' ? c == '-' : is_hex(c) && c == to_lower(c);
  });
}

// The part before the next slash; takes both off `path`. Nothing when there is no slash.
std::optional<std::string_view> next_part(std::string_view& path) {
  const auto slash = path.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view part = path.substr(0, slash);
  path.remove_prefix(slash + 1);
  return part;
}

}  // namespace

std::optional<ProxyPath> parse_proxy_path(std::string_view path) {
  if (!path.starts_with('/')) return std::nullopt;
  path.remove_prefix(1);
  const auto api = next_part(path);
  if (!api || api->empty() || !std::ranges::all_of(*api, is_digit)) return std::nullopt;
  if (next_part(path) != "lambdas") return std::nullopt;
  const auto lambda_id = next_part(path);
  if (!lambda_id || lambda_id->empty()) return std::nullopt;
  constexpr std::string_view kProxy = "proxy";
  if (!path.starts_with(kProxy)) return std::nullopt;
  path.remove_prefix(kProxy.size());
  if (path.empty()) return ProxyPath{*lambda_id, "/"};
  if (!path.starts_with('/')) return std::nullopt;
  return ProxyPath{*lambda_id, std::string(path)};
}

std::optional<std::string_view> account_id(const RequestHead& head) {
  const auto found = std::ranges::find_if(head.fields, [](const protocol::Field& field) {
    return equals_ignoring_case(field.name, kAccountHeader);
  });
  if (found == head.fields.end()) return std::nullopt;
  return found->value;
}

std::optional<Failure> find_proxy_fault(const ProxyPath& proxy, const RequestHead& head,
                                        std::string_view lambda_id) {
  const auto account = account_id(head);
  const std::string header(kAccountHeader);
  if (!account) {
    return make_failure(FailureKind::kBadAccount, "Header '" + header + "' is required");
  }
  if (!is_uuid(*account)) {
    return make_failure(FailureKind::kBadAccount,
                        "Bad header '" + header + "': it must be a UUID in lower case");
  }
  if (!equals_ignoring_case(proxy.lambda_id, lambda_id)) {
    return make_failure(FailureKind::kUnknownLambda,
                        "Lambda with id '" + std::string(proxy.lambda_id) + "' not found");
  }
  return std::nullopt;
}

}  // namespace lambdapool::supervisor
